/** The settings of a conversation as a program. */

import { buildAssistant, buildOptions, type PlaySettings } from "./settings";

export interface CodeInput {
  settings: PlaySettings;
  threadId: string | null;
  text: string;
  baseUrl: string;
}

/** A program with the Python SDK. */
export function writeSdk({ settings, threadId, text, baseUrl }: CodeInput): string {
  const assistant = settings.assistantId
    ? `assistant = ${toPython(settings.assistantId)}`
    : `assistant = client.assistants.create_assistant(${toArguments(buildAssistant(settings))})`;
  const thread = `thread_id = ${threadId ? toPython(threadId) : "client.threads.create_thread().id"}`;
  const options = toArguments({ ...buildOptions(settings) });
  return `from projectdavid import Entity

client = Entity(base_url=${toPython(baseUrl)})

${assistant}
${thread}
client.messages.create_message(thread_id, ${toPython(text)})

with client.runs.stream(assistant_id=assistant, thread_id=thread_id${options && `, ${options}`}) as stream:
    for piece in stream.text_deltas():
        print(piece, end="", flush=True)
`;
}

/** Requests with curl. */
export function writeCurl({ settings, threadId, text, baseUrl }: CodeInput): string {
  const steps = [`URL=${quote(baseUrl)}`];
  const assistant = settings.assistantId ?? readId("assistants", buildAssistant(settings));
  steps.push(`ASSISTANT=${assistant}`, `THREAD=${threadId ?? readId("threads", {})}`);
  steps.push(`${post("messages", { thread_id: "$THREAD", content: text })} > /dev/null`);
  const run = { assistant_id: "$ASSISTANT", thread_id: "$THREAD", ...buildOptions(settings) };
  steps.push(`RUN=${readId("runs", run)}`);
  steps.push(`curl -sN "$URL/v1/runs/$RUN/events" -H "X-API-Key: $PROJECTDAVID_API_KEY"`);
  return `${steps.join("\n\n")}\n`;
}

/** A program with the `openai` package. */
export function writeOpenai({ settings, threadId, text, baseUrl }: CodeInput): string {
  const { tools = [], ...fields } = buildAssistant(settings);
  const stores = settings.tools.includes("file_search") ? settings.stores : [];
  const resources = stores.length > 0 ? { tool_resources: { file_search: { vector_store_ids: stores } } } : {};
  const plain = tools.map((tool) => (tool.type === "function" ? tool : { type: tool.type }));
  const values = { ...fields, ...(plain.length > 0 ? { tools: plain } : {}), ...resources };
  const assistant = settings.assistantId
    ? `assistant_id = ${toPython(settings.assistantId)}`
    : `assistant_id = client.beta.assistants.create(${toArguments(values)}).id`;
  const { max_turns: turns, reasoning_effort: effort, ...known } = buildOptions(settings);
  const extra = {
    ...(turns === undefined ? {} : { max_turns: turns }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
  };
  const options = toArguments({ ...known, ...(Object.keys(extra).length > 0 ? { extra_body: extra } : {}) });
  return `import os

from openai import OpenAI

client = OpenAI(base_url=${toPython(`${baseUrl}/openai/v1`)}, api_key=os.environ["PROJECTDAVID_API_KEY"])

${assistant}
thread_id = ${threadId ? toPython(threadId) : "client.beta.threads.create().id"}
client.beta.threads.messages.create(thread_id, role="user", content=${toPython(text)})

with client.beta.threads.runs.stream(thread_id=thread_id, assistant_id=assistant_id${options && `, ${options}`}) as stream:
    for piece in stream.text_deltas:
        print(piece, end="", flush=True)
`;
}

function toArguments(values: Record<string, unknown>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${toPython(value)}`)
    .join(", ");
}

/** A value of JSON as a Python literal. */
export function toPython(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(toPython).join(", ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).map(([name, item]) => `${toPython(name)}: ${toPython(item)}`);
    return `{${entries.join(", ")}}`;
  }
  // Escapes of a JSON string are those of a Python string, except for lone surrogates, which Python accepts as well.
  return JSON.stringify(value);
}

function readId(path: string, body: Record<string, unknown>): string {
  return `$(${post(path, body)} | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')`;
}

/** A request whose body can name variables of the shell. */
function post(path: string, body: Record<string, unknown>): string {
  // A text cannot match: inside of a JSON string, quotes are escaped.
  const json = quote(JSON.stringify(body)).replaceAll(/("(?:thread|assistant)_id":")(\$[A-Z]+)"/g, `$1'"$2"'"`);
  return `curl -s "$URL/v1/${path}" -H "X-API-Key: $PROJECTDAVID_API_KEY" -H "Content-Type: application/json" -d ${json}`;
}

/** A text as one word of the shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
