import type { components } from "@/api/schema";
import { words } from "./words.en";

/** The title of a thread, or words in its place. */
export function titleOf({ title }: components["schemas"]["Thread"]): string {
  return title ?? words.untitled;
}
