// An assistant in a route of a web app, with `AssistantResponse` and `forwardStream` of the AI SDK 3.
//
// Needs OPENAI_BASE_URL and OPENAI_API_KEY; prints one JSON object: what the page of such an app receives.

import { AssistantResponse, readDataStream } from "ai";
import OpenAI from "openai";

const openai = new OpenAI();
const called = [];

const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

// The route, as the guide of the AI SDK writes it: the outputs of functions are submitted with a second stream.
async function POST(request) {
  const { threadId: known, message, assistantId } = await request.json();
  const threadId = known ?? (await openai.beta.threads.create({})).id;
  const created = await openai.beta.threads.messages.create(threadId, { role: "user", content: message });
  return AssistantResponse({ threadId, messageId: created.id }, async ({ forwardStream, sendDataMessage }) => {
    let run = await forwardStream(openai.beta.threads.runs.stream(threadId, { assistant_id: assistantId }));
    while (run?.status === "requires_action" && run.required_action?.type === "submit_tool_outputs") {
      const outputs = run.required_action.submit_tool_outputs.tool_calls.map((call) => {
        const { city } = JSON.parse(call.function.arguments);
        called.push(city);
        sendDataMessage({ role: "data", data: { city } });
        return { tool_call_id: call.id, output: `rain in ${city}` };
      });
      run = await forwardStream(
        openai.beta.threads.runs.submitToolOutputsStream(threadId, run.id, { tool_outputs: outputs }),
      );
    }
  });
}

// What the hook `useAssistant` reads from the route: the parts of the stream, and the text that they add up to.
async function ask(assistantId, message, threadId) {
  const request = { method: "POST", body: JSON.stringify({ threadId, message, assistantId }) };
  const response = await POST(new Request("http://app.example/api/assistant", request));
  const seen = { kinds: [], text: "", data: [], errors: [] };
  for await (const { type, value } of readDataStream(response.body.getReader())) {
    if (seen.kinds.at(-1) !== type) seen.kinds.push(type);
    if (type === "assistant_control_data") seen.threadId = value.threadId;
    if (type === "text") seen.text += value;
    if (type === "data_message") seen.data.push(value.data);
    if (type === "error") seen.errors.push(value);
  }
  return seen;
}

function assistant(...tools) {
  return openai.beta.assistants.create({ name: "Forecaster", instructions: "You help.", model: "gpt-4o", tools });
}

async function callsAFunction() {
  const { id } = await assistant(WEATHER);
  const first = await ask(id, "How is it in Oslo?");
  const { threadId, ...again } = await ask(id, "And now?", first.threadId);
  const messages = await openai.beta.threads.messages.list(threadId, { order: "asc" });
  return {
    first: { ...first, threadId: undefined },
    again: { ...again, same_thread: threadId === first.threadId },
    said: messages.data.map(({ role, content }) => [role, content[0].text.value]),
  };
}

async function runsCode() {
  const { id } = await assistant({ type: "code_interpreter" });
  const { kinds, text, errors } = await ask(id, "What is 1 + 1?");
  return { kinds, text, errors };
}

async function searches() {
  const { id } = await assistant({ type: "file_search" });
  const text = "# Handbook\n\nThe warranty lasts two years.\n";
  const file = await openai.files.create({ file: new File([text], "handbook.md"), purpose: "assistants" });
  const store = await openai.vectorStores.create({ name: "Books" });
  await openai.vectorStores.files.createAndPoll(store.id, { file_id: file.id }, { pollIntervalMs: 20 });
  await openai.beta.assistants.update(id, { tool_resources: { file_search: { vector_store_ids: [store.id] } } });
  const { kinds, text: answer, errors } = await ask(id, "How long is the warranty?");
  return { kinds, text: answer, errors };
}

// A run that cannot begin reaches the page as an error in the stream.
async function fails() {
  const { kinds, errors } = await ask("asst_missing", "Hello.");
  return { kinds, errors };
}

const report = { function: await callsAFunction(), code: await runsCode(), search: await searches(), failed: await fails() };
console.log(JSON.stringify({ ...report, called }));
