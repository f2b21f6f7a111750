/** The limits of a user, as text of form fields. */

import type { components } from "@/api/schema";

export type User = components["schemas"]["User"];
export type LimitName = keyof components["schemas"]["UserLimits"];

export const LIMITS: LimitName[] = [
  "requests_per_minute",
  "concurrent_runs",
  "tokens_per_day",
  "money_per_day",
  "storage_bytes",
  "stored_files",
  "generated_bytes",
  "generated_files",
  "vector_stores",
  "files_per_vector_store",
  "vector_store_bytes",
  "assistants",
  "threads",
  "messages_per_thread",
  "open_uploads",
  "active_keys",
];

export type LimitTexts = Partial<Record<LimitName, string>>;

/** Show the limits of a user in fields; limits without a value are empty. */
export function toTexts(user: User | undefined): LimitTexts {
  return Object.fromEntries(LIMITS.map((name) => [name, String(user?.limits[name] ?? "")]));
}

/** Read the fields; an empty one is null, the default of the server. The server checks the numbers. */
export function fromTexts(texts: LimitTexts): Partial<Record<LimitName, number | null>> {
  return Object.fromEntries(LIMITS.map((name) => [name, texts[name] ? Number(texts[name]) : null]));
}

/** What a user is called: the full name, the email, or the id. */
export function nameOf(user: User): string {
  return user.full_name || user.email || user.id;
}
