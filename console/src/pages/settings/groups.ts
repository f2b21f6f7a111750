/** Settings by topic. */

import type { components } from "@/api/schema";
import type { words } from "./words.en";

export type Setting = components["schemas"]["Setting"];
export type GroupName = keyof typeof words.groups;

/** The first pattern that matches decides; the rest belongs to the server. */
const PATTERNS: [GroupName, RegExp][] = [
  ["sandbox", /^sandbox/],
  ["search", /^(embedding|rerank|ocr|web_search)/],
  ["outbound", /^(outbound|webhook|viewer|relay)/],
  ["observability", /^(log_|access_log|metrics|otlp|trace_)/],
  ["models", /^(provider|default_provider|model_aliases|context_window|retry_seconds|price|catalog)/],
  ["requests", /^(max_(body|large|file|head|idle)|head_|body_|connection_|public_url|cors|stream_|drain_|console$)/],
  ["runs", /^(run_|openai_run|action_seconds|max_turns|max_runs|lease|model_idle)/],
  [
    "limits",
    /^(requests_per|concurrent_runs|tokens_per|money_per|storage_bytes|stored_|generated_|vector_store|files_per|assistants|threads|messages_per|open_uploads|active_keys)/,
  ],
];

const ORDER: GroupName[] = [
  "server",
  "observability",
  "models",
  "limits",
  "runs",
  "requests",
  "outbound",
  "search",
  "sandbox",
];

/** Return the groups that have settings, in the order of the page. */
export function groupSettings(settings: Setting[]): [GroupName, Setting[]][] {
  const groups = new Map<GroupName, Setting[]>(ORDER.map((name) => [name, []]));
  for (const setting of settings) groups.get(findGroup(setting.name))?.push(setting);
  return [...groups].filter(([, members]) => members.length > 0);
}

function findGroup(name: string): GroupName {
  return PATTERNS.find(([, pattern]) => pattern.test(name))?.[0] ?? "server";
}

/** Return the settings that contain all words of a search, in name, variable or value. */
export function findSettings(settings: Setting[], search: string, isChangedOnly: boolean): Setting[] {
  const parts = search.toLowerCase().split(/\s+/).filter(Boolean);
  return settings.filter((setting) => {
    if (isChangedOnly && setting.source === "default") return false;
    const text = `${setting.name} ${setting.variable} ${JSON.stringify(setting.value)}`.toLowerCase();
    return parts.every((part) => text.includes(part));
  });
}
