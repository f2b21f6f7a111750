// Assistants, threads and messages; lists that are read to their end; what is refused.

import { CODE, OpenAI, QUICK, RESULTS, WALKS, WEATHER, all, at, of, outputs, refusal, same, text } from "./base.mjs";

WALKS["client.assistants"] = async ({ beta: { assistants } }) => {
  const tools = [CODE, WEATHER];
  const made = await assistants.create({ model: "scripted/hello", name: "Ada", tools, metadata: { a: "1" } });
  const again = same(await assistants.retrieve(made.id), made);
  const changed = await assistants.update(made.id, { name: "Eve", instructions: "Be kind." });
  const gone = await at(assistants, "delete", { assistant_id: made.id });
  const types = made.tools.map((tool) => tool.type);
  return [made.name, types, made.metadata, again, changed.name, changed.instructions, gone.deleted, gone.object];
};

WALKS["client.threads"] = async ({ threads }) => {
  const made = await threads.create({ metadata: { a: "1" } });
  const changed = await threads.update(made.id, { metadata: { b: "2" } });
  const message = await threads.messages.create(made.id, { role: "user", content: "Hi" });
  const ids = { thread_id: made.id, message_id: message.id };
  const marked = await at(threads.messages, "update", ids, { metadata: { c: "3" } });
  const dropped = await at(threads.messages, "delete", ids);
  const left = await all(await threads.messages.list(made.id));
  const gone = await at(threads, "delete", { thread_id: made.id });
  const said = message.content[0].text.value;
  return [made.metadata, changed.metadata, said, marked.metadata, dropped.object, left, gone.object];
};

WALKS["client.parts"] = async (world) => {
  const image = await text("a.png", Buffer.from("89504e470d0a1a0a", "hex"));
  const file = await world.client.files.create({ file: image, purpose: "vision" });
  const content = [
    { type: "text", text: "Look" },
    { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "high" } },
    { type: "image_file", image_file: { file_id: file.id } },
  ];
  const message = await world.threads.messages.create(await world.thread(), { role: "user", content });
  return [message.content[1].image_url.detail, message.content[2].image_file.detail];
};

WALKS["client.pages"] = async ({ threads }) => {
  const thread = await threads.create();
  for (const content of "01234") await threads.messages.create(thread.id, { role: "user", content });
  const forward = await all(await threads.messages.list(thread.id, { order: "asc", limit: 2 }));
  const backward = await all(await threads.messages.list(thread.id, { limit: 3 }));
  return [forward, backward].map((page) => page.map((message) => message.content[0].text.value).join(""));
};

WALKS["client.pages-of-all"] = async (world) => {
  const run = await world.polled("caller", WEATHER);
  await at(world.runs, "submitToolOutputsAndPoll", of(run), { tool_outputs: outputs(run, "rain") }, QUICK);
  const asked = { limit: 1, order: "asc", include: [RESULTS] };
  const steps = await all(await at(world.runs.steps, "list", of(run), asked));
  const runs = await all(await world.runs.list(run.thread_id, { limit: 1 }));
  const made = [await world.assistant(), await world.assistant(), await world.assistant()];
  const listed = (await all(await world.beta.assistants.list({ limit: 2 }))).map((one) => one.id);
  return [
    steps.map((step) => step.type),
    runs.map((one) => one.id === run.id),
    made.every((id) => listed.includes(id)),
  ];
};

WALKS["client.request-id"] = async (world) =>
  Boolean((await world.beta.assistants.create({ model: "scripted/hello" }))._request_id);

WALKS["client.poll-header"] = async (world) => {
  const run = await world.runs.create(...(await world.asked("hello")));
  const { response } = await at(world.runs, "retrieve", of(run)).withResponse();
  const wait = Number(response.headers.get("openai-poll-after-ms"));
  return wait > 0 && wait <= 1000;
};

WALKS["client.error-key"] = async (world) => {
  const client = new OpenAI({ baseURL: world.url, apiKey: "wrong" });
  return (await refusal(() => client.beta.assistants.list())).slice(0, 2);
};

WALKS["client.error-unknown"] = async (world) => [
  await refusal(() => world.beta.assistants.retrieve("asst_" + "0".repeat(24))),
  await refusal(() => world.threads.retrieve("thread_" + "0".repeat(24))),
  await refusal(() => world.client.files.retrieve("fake_id")),
  await refusal(() => world.client.models.retrieve("fake_id")),
];

WALKS["client.error-busy"] = async (world) => {
  const { thread_id, assistant_id } = await world.polled("caller", WEATHER);
  return [
    await refusal(() => world.threads.messages.create(thread_id, { role: "user", content: "More" })),
    await refusal(() => world.runs.create(thread_id, { assistant_id })),
    await refusal(() => world.runs.create(thread_id, { assistant_id, stream: true })),
  ];
};

WALKS["client.error-outputs"] = async (world) => {
  const [run, done] = [await world.polled("two_calls", WEATHER), await world.polled("hello")];
  const given = [{ tool_call_id: "call_x", output: "" }];
  return [
    await refusal(() => at(world.runs, "submitToolOutputs", of(run), { tool_outputs: outputs(run, "rain") })),
    await refusal(() => at(world.runs, "submitToolOutputs", of(done), { tool_outputs: given })),
  ];
};

WALKS["client.error-cancel"] = async (world) => {
  const run = await world.polled("hello");
  return refusal(() => at(world.runs, "cancel", of(run)));
};

WALKS["client.error-limits"] = async ({ beta }) => {
  const create = (fields) => refusal(() => beta.assistants.create({ model: "m", ...fields }));
  const numbers = (count) => [...Array(count).keys()];
  const tools = numbers(129).map((number) => ({ type: "function", function: { name: `f${number}` } }));
  return [
    await create({ tools }),
    await create({ name: "n".repeat(257) }),
    await create({ foo: 1 }),
    await create({ metadata: Object.fromEntries(numbers(17).map((number) => [number, "x"])) }),
    await refusal(() => beta.threads.retrieve("undefined")),
  ];
};
