-- name: usage_add
-- Add the usage of a model call; `turns` is 1 for a complete turn. An unknown cost does not change the known total.
INSERT INTO usage
(owner, day, assistant_id, key_prefix, model, turns, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens,
 cost)
SELECT owner, :day, assistant_id, key_prefix, model, :turns, :prompt_tokens, :completion_tokens, :cached_tokens,
    :reasoning_tokens, :cost
FROM runs WHERE n = :run
ON CONFLICT (owner, day, assistant_id, key_prefix, model) DO UPDATE SET
    turns = usage.turns + excluded.turns,
    prompt_tokens = usage.prompt_tokens + excluded.prompt_tokens,
    completion_tokens = usage.completion_tokens + excluded.completion_tokens,
    cached_tokens = usage.cached_tokens + excluded.cached_tokens,
    reasoning_tokens = usage.reasoning_tokens + excluded.reasoning_tokens,
    cost = COALESCE(usage.cost + excluded.cost, excluded.cost, usage.cost);

-- name: usage_of
-- returns: UsageRow
-- The usage of an owner, by `day`, `assistant`, `key` or `model`.
SELECT
    CASE :by WHEN 'day' THEN CAST(day AS TEXT) WHEN 'assistant' THEN assistant_id WHEN 'key' THEN key_prefix ELSE model END AS name,
    sum(turns) AS turns, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
    sum(cached_tokens) AS cached_tokens, sum(reasoning_tokens) AS reasoning_tokens,
    sum(cost) AS cost, max(CASE WHEN cost IS NULL THEN 1 ELSE 0 END) AS unpriced
FROM usage WHERE owner = :owner AND day BETWEEN :first AND :last
GROUP BY 1 ORDER BY 1;
