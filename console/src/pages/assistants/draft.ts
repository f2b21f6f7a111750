/** An assistant as it is edited: texts of fields, and how they become the body of a request. */

import type { components } from "@/api/schema";

export type Assistant = components["schemas"]["Assistant"];
export type AssistantBody = components["schemas"]["AssistantUpdate"];
export type Tool = { type: string } & Record<string, unknown>;

/** Limits of the API's schema, which a test compares with these. */
export const LIMITS = {
  name: 128,
  description: 256,
  model: 256,
  instructions: 256_000,
  temperature: 2,
  topP: 1,
  maxTokens: 10_000_000,
  webhookUrl: 2048,
  webhookSecret: 256,
  responseFormat: 64,
} as const;

export const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export const EVENTS = ["run.completed", "run.failed", "run.cancelled", "run.expired", "run.incomplete"] as const;
export const PLATFORM_TOOLS = ["code_interpreter", "computer", "file_search", "web_search"] as const;

/** The fields that can be set, as the API has them. */
export type Draft = Record<string, unknown>;

const EDITABLE = [
  "name",
  "description",
  "model",
  "instructions",
  "tools",
  "tool_resources",
  "temperature",
  "top_p",
  "reasoning_effort",
  "response_format",
  "meta_data",
  "webhook_url",
  "webhook_events",
] as const;

export const NEW_ASSISTANT: Draft = { name: "", model: "", instructions: "", tools: [] };

/** Return what can be changed of an assistant. */
export function toDraft(assistant: Assistant): Draft {
  const entries = EDITABLE.map((name) => [name, assistant[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Return the fields of a draft that differ from the assistant: the body of an update. */
export function findChanges(draft: Draft, assistant: Assistant): Draft {
  const before: Draft = toDraft(assistant);
  const names = new Set([...Object.keys(draft), ...Object.keys(before)]);
  const changed = [...names].filter((name) => JSON.stringify(draft[name]) !== JSON.stringify(before[name]));
  // A field that was removed in the JSON view is reset.
  return Object.fromEntries(changed.map((name) => [name, draft[name] ?? null]));
}

export function listTools(draft: Draft): Tool[] {
  return Array.isArray(draft.tools) ? (draft.tools as Tool[]) : [];
}

/** Switch a platform tool on or off; other tools, and the settings of this one, stay. */
export function switchTool(draft: Draft, type: string, isOn: boolean): Draft {
  const others = listTools(draft).filter((tool) => tool.type !== type);
  return { ...draft, tools: isOn ? [...others, { type }] : others };
}

/** The ids of the stores that `file_search` searches, of the tool and of the resources. */
export function listStoreIds(draft: Draft): string[] {
  const tool = listTools(draft).find(({ type }) => type === "file_search");
  return [...new Set([...readIds(tool?.vector_store_ids), ...readResource(draft, "file_search", "vector_store_ids")])];
}

/** Choose or leave out a store; it is kept with the resources of the assistant. */
export function chooseStore(draft: Draft, id: string, isChosen: boolean): Draft {
  const tools = listTools(draft).map((tool) => {
    if (tool.type !== "file_search" || tool.vector_store_ids === undefined) return tool;
    return { ...tool, vector_store_ids: readIds(tool.vector_store_ids).filter((one) => one !== id) };
  });
  return chooseResource({ ...draft, tools }, "file_search", "vector_store_ids", id, isChosen);
}

export function listFileIds(draft: Draft): string[] {
  return readResource(draft, "code_interpreter", "file_ids");
}

export function chooseFile(draft: Draft, id: string, isChosen: boolean): Draft {
  return chooseResource(draft, "code_interpreter", "file_ids", id, isChosen);
}

function chooseResource(draft: Draft, tool: string, field: string, id: string, isChosen: boolean): Draft {
  const resources = (draft.tool_resources ?? {}) as Record<string, Record<string, unknown> | null>;
  const ids = readResource(draft, tool, field).filter((one) => one !== id);
  const changed = { ...resources[tool], [field]: isChosen ? [...ids, id] : ids };
  return { ...draft, tool_resources: { ...resources, [tool]: changed } };
}

function readResource(draft: Draft, tool: string, field: string): string[] {
  const resources = draft.tool_resources as Record<string, Record<string, unknown> | null> | null | undefined;
  return readIds(resources?.[tool]?.[field]);
}

function readIds(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((id): id is string => typeof id === "string") : [];
}

/** Metadata as lines of `key: value`. */
export function formatMetaData(value: unknown): string {
  const pairs = Object.entries((value ?? {}) as Record<string, string>);
  return pairs.map(([key, text]) => `${key}: ${text}`).join("\n");
}

export function parseMetaData(text: string): Record<string, string> | null {
  const pairs = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): [string, string] => {
      const [key = "", ...rest] = line.split(":");
      return [key.trim(), rest.join(":").trim()];
    });
  return pairs.length > 0 ? Object.fromEntries(pairs) : null;
}

/** Return the JSON object of a text.
 *
 * @throws {Error} the text is not a JSON object.
 */
export function parseObject(text: string): Draft {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("expected { … }");
  return value as Draft;
}

/** Return the line of JSON, from 1, in which the field of an error path such as `tools.0.type` is; null if absent. */
export function findLine(json: string, path: string): number | null {
  const lines = json.split("\n");
  const fields = path.split(".").filter((part) => !/^\d+$/.test(part));
  let found: number | null = null;
  let from = 0;
  for (const field of fields) {
    const at = lines.findIndex((line, index) => index >= from && line.includes(`"${field}":`));
    if (at < 0) break;
    found = at + 1;
    from = at;
  }
  return found;
}
