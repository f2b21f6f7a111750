// Runs that say something: polled, streamed, handled, cut short.

import { AssistantStream, QUICK, WALKS, WEATHER, at, names, of, outputs, poll } from "./base.mjs";

const HEARD = {
  textCreated: "text created",
  textDelta: "text delta",
  textDone: "text done",
  messageCreated: "message created",
  messageDone: "message done",
  runStepCreated: "step created",
  runStepDone: "step done",
  toolCallCreated: "call created",
  toolCallDone: "call done",
  imageFileDone: "image done",
};

// Counts what a stream tells its handlers.
export function counted(stream) {
  const told = {};
  for (const [event, name] of Object.entries(HEARD)) stream.on(event, () => (told[name] = (told[name] ?? 0) + 1));
  return told;
}

WALKS["client.text-poll"] = async (world) => {
  const run = await world.runs.createAndPoll(...(await world.asked("hello")));
  return [run.status, await world.said(run.thread_id), run.usage.total_tokens];
};

WALKS["client.text-stream"] = async (world) => {
  const [thread, body] = await world.asked("hello");
  return names(await world.runs.create(thread, { ...body, stream: true }));
};

WALKS["client.handler"] = async (world) => {
  const stream = await world.streamed("hello");
  const told = counted(stream);
  let said = "";
  stream.on("textDelta", (delta) => (said += delta.value ?? ""));
  await stream.done();
  const { "text delta": deltas, ...others } = told;
  return [others, deltas > 1, said];
};

WALKS["client.finals"] = async (world) => {
  const stream = await world.streamed("hello");
  const [run, steps, messages] = [await stream.finalRun(), await stream.finalRunSteps(), await stream.finalMessages()];
  return [run.status, steps.length, messages.map((message) => message.content[0].text.value)];
};

WALKS["client.text-deltas"] = async (world) => {
  let said = "";
  for await (const { event, data } of await world.streamed("hello")) {
    if (event === "thread.message.delta") said += data.delta.content[0].text.value ?? "";
  }
  return said;
};

WALKS["client.readable-stream"] = async (world) => {
  const stream = AssistantStream.fromReadableStream((await world.streamed("hello")).toReadableStream());
  const [message] = await stream.finalMessages();
  return [(await stream.finalRun()).status, message.content[0].text.value];
};

WALKS["client.create-and-run-stream"] = async (world) => {
  const thread = { messages: [{ role: "user", content: "Hi" }] };
  const stream = world.threads.createAndRunStream({ assistant_id: await world.assistant(), thread });
  const told = await names(stream);
  return [told.at(0), told.at(-1), (await stream.finalRun()).status];
};

WALKS["client.create-and-run-poll"] = async (world) => {
  const thread = { messages: [{ role: "user", content: "Hi" }] };
  const run = await world.threads.createAndRunPoll({ assistant_id: await world.assistant(), thread }, QUICK);
  return [run.status, await world.said(run.thread_id)];
};

WALKS["client.cancel"] = async (world) => {
  const told = [];
  for await (const event of await world.streamed("silent")) {
    told.push(event);
    if (event.event === "thread.message.delta") await at(world.runs, "cancel", of(told[0].data));
  }
  const run = await at(world.runs, "retrieve", of(told[0].data));
  const message = await world.newest(run.thread_id);
  return [told.at(-1).event, run.status, message.status, message.incomplete_details.reason];
};

WALKS["client.cancel-waiting"] = async (world) => {
  let run = await world.polled("caller", WEATHER);
  await at(world.runs, "cancel", of(run));
  run = await poll(world, run);
  await world.threads.messages.create(run.thread_id, { role: "user", content: "On" });
  return [run.status, run.required_action];
};

WALKS["client.expire"] = async ({ hasty }) => {
  const { assistants, threads } = hasty.beta;
  const assistant = await assistants.create({ model: "scripted/caller", tools: [WEATHER] });
  const thread = await threads.create({ messages: [{ role: "user", content: "Hi" }] });
  let run = await threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id }, QUICK);
  const [waited, late] = [run.status, outputs(run, "rain")];
  while (run.status === "requires_action") run = await at(threads.runs, "retrieve", of(run));
  try {
    await at(threads.runs, "submitToolOutputs", of(run), { tool_outputs: late });
  } catch (error) {
    return [waited, run.status, error.error.message];
  }
  return "the outputs were taken";
};

WALKS["client.expire-stream"] = async ({ hasty }) => {
  const { assistants, threads } = hasty.beta;
  const assistant = await assistants.create({ model: "scripted/silent" });
  const thread = await threads.create({ messages: [{ role: "user", content: "Hi" }] });
  return (await names(threads.runs.stream(thread.id, { assistant_id: assistant.id }))).at(-1);
};

WALKS["client.incomplete"] = async (world) => {
  const run = await world.polled("short");
  const message = await world.newest(run.thread_id);
  return [run.status, run.incomplete_details.reason, message.status, message.incomplete_details.reason];
};

WALKS["client.failed"] = async (world) => {
  const run = await world.polled("broken");
  return [run.status, run.last_error.code];
};

WALKS["client.failed-stream"] = async (world) => (await names(await world.streamed("broken"))).at(-1);

WALKS["client.overrides"] = async (world) => {
  const [thread, body] = await world.asked("hello");
  const over = {
    model: "scripted/mirror",
    instructions: "Be brief.",
    additional_messages: [{ role: "user", content: "More" }],
    temperature: 0.5,
    top_p: 0.25,
    tools: [WEATHER],
    parallel_tool_calls: false,
    response_format: { type: "json_object" },
    truncation_strategy: { type: "last_messages", last_messages: 1 },
  };
  const run = await world.runs.createAndPoll(thread, { ...body, ...over }, QUICK);
  const { messages, temperature, top_p, parallel_tool_calls, response_format, tools } = JSON.parse(
    await world.said(run.thread_id),
  );
  return [
    messages.at(-1),
    { temperature, top_p, parallel_tool_calls, response_format, tools },
    messages[0][1].includes("Be brief."),
  ];
};
