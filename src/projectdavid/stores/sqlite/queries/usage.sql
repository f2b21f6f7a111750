-- name: usage_add
-- What a turn of a run took. A cost that is not known leaves what is known as it is.
INSERT INTO usage
(owner, day, assistant_id, key_prefix, model, turns, prompt_tokens, completion_tokens, cost)
SELECT owner, :day, assistant_id, key_prefix, model, 1, :prompt_tokens, :completion_tokens, :cost
FROM runs WHERE n = :run
ON CONFLICT (owner, day, assistant_id, key_prefix, model) DO UPDATE SET
    turns = turns + 1,
    prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens,
    cost = COALESCE(cost + excluded.cost, excluded.cost, cost);
