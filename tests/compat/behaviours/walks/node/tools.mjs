// Runs that call functions, search files and run code.

import { CODE, HANDBOOK, QUESTION, QUICK, RESULTS, SEARCH, WALKS, WEATHER } from "./base.mjs";
import { all, at, names, of, outputs, text } from "./base.mjs";
import { counted } from "./talking.mjs";

const submit = (world, run, ...texts) =>
  at(world.runs, "submitToolOutputsAndPoll", of(run), { tool_outputs: outputs(run, ...texts) }, QUICK);
const submitStream = (world, run, ...texts) =>
  at(world.runs, "submitToolOutputsStream", of(run), { tool_outputs: outputs(run, ...texts) });

WALKS["client.submit-and-poll"] = async (world) => {
  const run = await world.polled("two_calls", WEATHER);
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  const done = await submit(world, run, "rain", "sun");
  const wanted = calls.map((call) => [call.function.name, call.function.arguments]);
  return [run.status, wanted, done.status, await world.said(run.thread_id)];
};

WALKS["client.submit-stream"] = async (world) => {
  const stream = await world.streamed("two_calls", WEATHER);
  const before = await names(stream);
  const on = submitStream(world, await stream.finalRun(), "rain", "sun");
  const after = await names(on);
  const [message] = await on.finalMessages();
  return [before, after, message.content[0].text.value];
};

WALKS["client.submit-raw-stream"] = async (world) => {
  const run = await world.polled("caller", WEATHER);
  const body = { tool_outputs: outputs(run, "rain"), stream: true };
  return names(await at(world.runs, "submitToolOutputs", of(run), body));
};

WALKS["client.call-handler"] = async (world) => {
  const stream = await world.streamed("two_calls", WEATHER);
  const told = counted(stream);
  await stream.done();
  const [step] = await stream.finalRunSteps();
  const calls = step.step_details.tool_calls;
  const wanted = calls.map((call) => [call.index, call.function.name, call.function.arguments]);
  return [told["call created"], told["call done"], wanted];
};

WALKS["client.chain"] = async (world) => {
  let run = await world.polled("chain", WEATHER);
  const states = [run.status];
  for (const output of ["rain", "sun"]) {
    run = await submit(world, run, output);
    states.push(run.status);
  }
  return [states, await world.said(run.thread_id)];
};

WALKS["client.text-before-call"] = async (world) => {
  const stream = await world.streamed("talker", WEATHER);
  const [run, messages] = [await stream.finalRun(), await stream.finalMessages()];
  return [run.status, messages.map((message) => message.content[0].text.value)];
};

// The id of an assistant that searches a handbook, and that of the handbook.
async function searcher(world) {
  const [file, store] = await world.shelf();
  const tool_resources = { file_search: { vector_store_ids: [store] } };
  return [await world.assistant("citer", { tools: [SEARCH], tool_resources }), file];
}

// Whether an annotation is about what it says: offsets count code points.
const isWhole = ({ value }, cited) => cited.text === [...value].slice(cited.start_index, cited.end_index).join("");

WALKS["client.citation"] = async (world) => {
  const [assistant_id, file] = await searcher(world);
  const run = await world.runs.createAndPoll(await world.thread(QUESTION), { assistant_id }, QUICK);
  const said = (await world.threads.messages.list(run.thread_id, { run_id: run.id })).data[0].content[0].text;
  const [cited, ...others] = said.annotations;
  const right = cited.file_citation.file_id === file && !others.length;
  return [run.status, cited.type, right, isWhole(said, cited), cited.text.endsWith("†handbook.md】")];
};

WALKS["client.citation-stream"] = async (world) => {
  const [assistant_id, file] = await searcher(world);
  const stream = world.runs.stream(await world.thread(QUESTION), { assistant_id, include: [RESULTS] });
  const told = await names(stream);
  const [[message], steps] = [await stream.finalMessages(), await stream.finalRunSteps()];
  const said = message.content[0].text;
  const result = steps[0].step_details.tool_calls[0].file_search.results[0];
  const found = result.content[0].text.includes("two years");
  return [told, isWhole(said, said.annotations[0]), result.file_name, result.file_id === file, found];
};

WALKS["client.attachment"] = async (world) => {
  const file = await world.client.files.create({ file: await text("handbook.md", HANDBOOK), purpose: "assistants" });
  const attachments = [{ file_id: file.id, tools: [SEARCH] }];
  const thread = { messages: [{ role: "user", content: QUESTION, attachments }] };
  const assistant_id = await world.assistant("citer", { tools: [SEARCH] });
  const run = await world.threads.createAndRunPoll({ assistant_id, thread }, QUICK);
  const { annotations } = (await world.newest(run.thread_id)).content[0].text;
  return [run.status, annotations.map((one) => one.file_citation.file_id === file.id)];
};

WALKS["client.code"] = async (world) => {
  const run = await world.polled("coder", CODE);
  const [step] = await all(await at(world.runs.steps, "list", of(run), { order: "asc" }));
  const ran = step.step_details.tool_calls[0].code_interpreter;
  const { content } = await world.newest(run.thread_id);
  const image = content.find((part) => part.type === "image_file").image_file.file_id;
  const [path] = content.find((part) => part.type === "text").text.annotations;
  const table = await (await world.client.files.content(path.file_path.file_id)).text();
  const { filename } = await world.client.files.retrieve(image);
  return [run.status, ran.input, ran.outputs.map((output) => output.type), filename, path.text, table];
};

WALKS["client.code-handler"] = async (world) => {
  const stream = await world.streamed("coder", CODE);
  const told = counted(stream);
  await stream.done();
  const [step] = await stream.finalRunSteps();
  const ran = step.step_details.tool_calls[0].code_interpreter;
  const counts = ["call created", "call done", "image done"].map((name) => told[name]);
  return [counts, ran.input, ran.outputs.map((output) => output.type)];
};

WALKS["client.mixed"] = async (world) => {
  const run = await (await world.streamed("mixer", CODE, WEATHER)).finalRun();
  const calls = run.required_action.submit_tool_outputs.tool_calls.length;
  const done = await submitStream(world, run, "rain").finalRun();
  return [run.status, calls, done.status];
};
