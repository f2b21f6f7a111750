/** What the server does without, from its health. */

import type { Health } from "@/api/queries";
import { words } from "./words.en";

interface Availability {
  available?: boolean;
  reason?: string;
}

/** Why a tool is off, null if it is on. Functions of the caller are always on. */
export function reasonOff(health: Health, tool: string): string | null {
  const availability = health.tools[tool] as Availability | undefined;
  return availability?.available === false ? (availability.reason ?? "") : null;
}

/** Everything that is off, with its reason. */
export function listShortcomings(health: Health): { name: string; reason: string }[] {
  const off = Object.keys(health.tools).flatMap((name) => {
    const reason = reasonOff(health, name);
    return reason === null ? [] : [{ name, reason }];
  });
  if (health.web_search?.engine === null) off.push({ name: "web_search", reason: words.noEngine });
  if (health.knowledge?.search === "lexical") off.push({ name: "file_search", reason: words.lexical });
  return off;
}
