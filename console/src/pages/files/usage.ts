/** Finds what uses a file. The API has no such query, so this reads assistants, and the files of stores. */

import { api, send, sendWhole } from "@/api/client";
import type { components } from "@/api/schema";

type Assistant = components["schemas"]["Assistant"];
type Store = components["schemas"]["VectorStore"];

export const SEARCHED = 100;
const FILES_PER_STORE = 1000;
const AT_ONCE = 4;

export interface FileUsage {
  assistants: Assistant[];
  stores: Store[];
  /** Whether there are more assistants or stores than were searched. */
  isPartial: boolean;
}

export async function findUsage(fileId: string, signal: AbortSignal): Promise<FileUsage> {
  const params = { query: { limit: SEARCHED } };
  const [assistants, stores] = await Promise.all([
    sendWhole(api.GET("/v1/assistants", { params, signal })),
    sendWhole(api.GET("/v1/vector-stores", { params, signal })),
  ]);
  return {
    assistants: assistants.data.filter((assistant) => usesFile(assistant, fileId)),
    stores: await filterStores(stores.data, fileId, signal),
    isPartial: hasMore(assistants.response) || hasMore(stores.response),
  };
}

/** Whether code of an assistant gets the file. */
export function usesFile({ tool_resources: resources }: Pick<Assistant, "tool_resources">, fileId: string): boolean {
  const code = resources?.code_interpreter as { file_ids?: string[] } | null | undefined;
  return code?.file_ids?.includes(fileId) ?? false;
}

async function filterStores(stores: Store[], fileId: string, signal: AbortSignal): Promise<Store[]> {
  const found: Store[] = [];
  const filled = stores.filter(({ file_count: count }) => count > 0);
  for (let start = 0; start < filled.length; start += AT_ONCE) {
    const group = filled.slice(start, start + AT_ONCE);
    const holds = await Promise.all(group.map(({ id }) => hasFile(id, fileId, signal)));
    found.push(...group.filter((_, index) => holds[index]));
  }
  return found;
}

/** A list instead of a look-up: for a file that is not in the store, that would be an error in the console. */
async function hasFile(storeId: string, fileId: string, signal: AbortSignal): Promise<boolean> {
  const params = { path: { store_id: storeId }, query: { limit: FILES_PER_STORE } };
  const files = await send(api.GET("/v1/vector-stores/{store_id}/files", { params, signal }));
  return files.some(({ id }) => id === fileId);
}

function hasMore(response: Response): boolean {
  return response.headers.get("x-has-more") === "true";
}
