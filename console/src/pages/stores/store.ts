import type { components } from "@/api/schema";
import { words } from "./words.en";

export type Store = components["schemas"]["VectorStore"];
export type StoreFile = components["schemas"]["VectorStoreFile"];
export type Chunk = components["schemas"]["StoredChunk"];

/** The name of a store for people. */
export function nameOf(store: Store): string {
  return store.name || words.unnamed;
}

/** Where a chunk stands in its file: "page 3, lines 1–16". */
export function describePlace(chunk: Chunk): string {
  const { first_page: firstPage, last_page: lastPage } = chunk;
  const lines = words.chunks.lines(chunk.first_line, chunk.last_line);
  if (firstPage == null) return lines;
  return `${words.chunks.pages(firstPage, lastPage ?? firstPage)}, ${lines}`;
}
