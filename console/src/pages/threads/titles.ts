import type { components } from "@/api/schema";
import { words } from "./words.en";

/** The title of a thread: what its creator has put into its metadata. */
export function titleOf({ meta_data: data }: components["schemas"]["Thread"]): string {
  const title = data.title ?? data.name;
  return typeof title === "string" && title.trim() !== "" ? title : words.untitled;
}
