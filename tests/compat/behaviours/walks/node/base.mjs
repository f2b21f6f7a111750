// What the walks with openai-node share: the client, the steps with which they begin, and how they note things.

import { createRequire } from "node:module";
import path from "node:path";

const load = createRequire(path.join(process.env.PACKAGES, "package.json"));
export const OpenAI = load("openai").OpenAI;
export const { toFile } = load("openai");
export const { AssistantStream } = load("openai/lib/AssistantStream");
const OLD = load("openai/version").VERSION.startsWith("4.");

export const WALKS = {}; // what is tried, by the id of the behaviour

export const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
export const CODE = { type: "code_interpreter" };
export const SEARCH = { type: "file_search" };
export const HANDBOOK =
  "# Handbook\n\nIt is made of steel.\n\n## Warranty\n\nThe warranty lasts two years from the purchase.\n";
export const QUESTION = "The warranty lasts how many years?";
export const RESULTS = "step_details.tool_calls[*].file_search.results[*].content";
export const QUICK = { pollIntervalMs: 20 };

// Call a method with the ids of its path. The old client takes them in the order of the path; newer ones take the last
// one first, and the others by name among the parameters.
export function at(resource, verb, ids, body, options) {
  const entries = Object.entries(ids);
  if (OLD) {
    const more = options ? [body ?? {}, options] : body ? [body] : [];
    return resource[verb === "delete" ? "del" : verb](...entries.map(([, id]) => id), ...more);
  }
  const [, last] = entries.pop();
  const rest = { ...Object.fromEntries(entries), ...body };
  return resource[verb](last, ...(Object.keys(rest).length || options ? [rest] : []), ...(options ? [options] : []));
}

// The ids of a run's path.
export const of = (run) => ({ thread_id: run.thread_id, run_id: run.id });

// The newer client polls with parameters by name; the old one with all ids in order, and its options behind them.
export function poll(world, run) {
  return OLD ? world.runs.poll(run.thread_id, run.id, QUICK) : world.runs.poll(run.id, { thread_id: run.thread_id }, QUICK);
}

export class World {
  constructor() {
    this.url = process.env.BASE_URL;
    this.client = new OpenAI({ baseURL: this.url, apiKey: process.env.API_KEY });
    this.hasty = new OpenAI({ baseURL: process.env.HASTY_BASE_URL, apiKey: process.env.HASTY_API_KEY });
    this.beta = this.client.beta;
    this.threads = this.beta.threads;
    this.runs = this.beta.threads.runs;
    this.stores = this.client.vectorStores;
  }

  // The id of a new assistant.
  async assistant(model = "hello", fields = {}) {
    return (await this.beta.assistants.create({ model: `scripted/${model}`, ...fields })).id;
  }

  // The id of a new thread in which the user has said something.
  async thread(text = "Hi there") {
    return (await this.threads.create({ messages: [{ role: "user", content: text }] })).id;
  }

  // The thread of a new run, and its arguments.
  async asked(model, ...tools) {
    return [await this.thread(), { assistant_id: await this.assistant(model, { tools }) }];
  }

  // A run that has been polled to its end, or until it waits.
  async polled(model, ...tools) {
    return this.runs.createAndPoll(...(await this.asked(model, ...tools)), QUICK);
  }

  // The stream of a new run.
  async streamed(model, ...tools) {
    return this.runs.stream(...(await this.asked(model, ...tools)));
  }

  // The newest message of a thread.
  async newest(threadId) {
    return (await this.threads.messages.list(threadId, { limit: 1 })).data[0];
  }

  // The last text of a thread.
  async said(threadId) {
    const { content } = await this.newest(threadId);
    return content.filter((part) => part.type === "text").map((part) => part.text.value).join("");
  }

  // The id of a file with something to find, and that of a store that has it.
  async shelf() {
    const store = await this.stores.create({ name: "Books" });
    const file = await this.stores.files.uploadAndPoll(store.id, await text("handbook.md", HANDBOOK), QUICK);
    return [file.id, store.id];
  }
}

// A file to send.
export const text = (name, content) => toFile(Buffer.from(content), name);

// Outputs for the calls that a run waits for.
export function outputs(run, ...texts) {
  const calls = run.required_action.submit_tool_outputs.tool_calls;
  return texts.map((output, index) => ({ tool_call_id: calls[index].id, output }));
}

// The names of events; of deltas that follow each other only the first.
export async function names(events) {
  const told = [];
  for await (const { event } of events) {
    if (!(event.endsWith(".delta") && told.at(-1) === event)) told.push(event);
  }
  return told;
}

export async function all(pages) {
  const found = [];
  for await (const one of pages) found.push(one);
  return found;
}

// How the client says that something was refused; ids as what they name.
export async function refusal(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    const message = error.error.message.replace(/\b(thread|run|call|asst)_(?!x\b|ids?\b)\w+/g, "<$1>");
    return [error.constructor.name, error.status, message, error.code, error.param];
  }
  return "nothing was refused";
}

// Whether two answers are the same.
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
