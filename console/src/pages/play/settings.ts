/** The settings of a conversation: a saved assistant or one that is set up here, and options of the run. */

import type { components } from "@/api/schema";

export const TOOLS = ["code_interpreter", "computer", "file_search", "web_search"] as const;
export type ToolName = (typeof TOOLS)[number];

export interface PlaySettings {
  /** The saved assistant, null for one that is set up here. */
  assistantId: string | null;
  model: string;
  instructions: string;
  tools: ToolName[];
  stores: string[];
  /** JSON, as it was typed. */
  functions: string;
  temperature: string;
  max_turns: string;
  max_completion_tokens: string;
  reasoning_effort: string;
  additional_instructions: string;
}

export const DEFAULTS: PlaySettings = {
  assistantId: null,
  model: "",
  instructions: "",
  tools: [],
  stores: [],
  functions: "",
  temperature: "",
  max_turns: "",
  max_completion_tokens: "",
  reasoning_effort: "",
  additional_instructions: "",
};

export const EXAMPLE_FUNCTIONS = JSON.stringify(
  [
    {
      name: "get_weather",
      description: "The weather of a city.",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  ],
  null,
  2,
);

type Tool = NonNullable<components["schemas"]["RunCreate"]["tools"]>[number];
type FunctionTool = components["schemas"]["FunctionTool"];

/** Parse functions, bare or as tools. Returns null if the text is not an array of them. */
export function parseFunctions(text: string): FunctionTool[] | null {
  if (text.trim() === "") return [];
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return null;
    const functions = list.map((item) => (item as { function?: unknown })?.function ?? item);
    if (!functions.every((item) => typeof item?.name === "string")) return null;
    return functions.map((item) => ({ type: "function", function: item }));
  } catch {
    return null;
  }
}

/** The tools of an unsaved assistant. */
export function buildTools(settings: PlaySettings): Tool[] {
  const platform = settings.tools.map((type) =>
    type === "file_search" && settings.stores.length > 0 ? { type, vector_store_ids: settings.stores } : { type },
  );
  return [...platform, ...(parseFunctions(settings.functions) ?? [])];
}

/** The fields of an unsaved assistant, without those that are not set. */
export function buildAssistant(settings: PlaySettings) {
  const tools = buildTools(settings);
  return {
    model: settings.model,
    ...(settings.instructions.trim() === "" ? {} : { instructions: settings.instructions }),
    ...(tools.length === 0 ? {} : { tools }),
  };
}

/** The options of a run that are set. An invalid number is sent unchanged, because the error of the server explains it. */
export function buildOptions(settings: PlaySettings): Record<string, string | number> {
  const options: Record<string, string | number> = {};
  for (const name of ["temperature", "max_turns", "max_completion_tokens"] as const) {
    const text = settings[name].trim();
    if (text !== "") options[name] = Number.isFinite(Number(text)) ? Number(text) : text;
  }
  for (const name of ["reasoning_effort", "additional_instructions"] as const) {
    if (settings[name].trim() !== "") options[name] = settings[name];
  }
  return options;
}

/** The metadata of the assistant that unsaved ones run as. */
export const DRAFT = { console: "playground" };

/** Whether an assistant is the one that unsaved ones run as. */
export function isDraft({ meta_data: data }: components["schemas"]["Assistant"]): boolean {
  return data?.console === DRAFT.console;
}

const KEY = "projectdavid.play";

/** The settings of this tab, with those of a link. */
export function loadSettings(query: URLSearchParams): PlaySettings {
  let stored: Partial<PlaySettings> = {};
  try {
    stored = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  } catch {
    // Another version wrote it.
  }
  const settings = { ...DEFAULTS, ...stored };
  const assistantId = query.get("assistant");
  if (assistantId) settings.assistantId = assistantId;
  const tool = query.get("tool");
  if (tool === null) return settings;
  const isPlatform = (TOOLS as readonly string[]).includes(tool);
  return {
    ...settings,
    assistantId: null,
    tools: isPlatform ? [tool as ToolName] : [],
    functions: tool === "function" ? EXAMPLE_FUNCTIONS : "",
  };
}

/** Keep the settings in this tab: instructions are content, so they are not left in the browser. */
export function storeSettings(settings: PlaySettings): void {
  sessionStorage.setItem(KEY, JSON.stringify(settings));
}
