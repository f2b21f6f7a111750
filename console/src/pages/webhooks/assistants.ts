import { api, sendWhole } from "@/api/client";
import { fromArray, type ListPage } from "@/api/queries";
import type { components } from "@/api/schema";

export type Assistant = components["schemas"]["Assistant"];

const PAGE = 100;

/** Load the assistants that have a webhook, of all pages: the API has no filter for it. */
export async function loadReceivers(_after: string | undefined, signal: AbortSignal): Promise<ListPage<Assistant>> {
  const items: Assistant[] = [];
  let after: string | null = null;
  do {
    const query: { limit: number; after?: string } = after === null ? { limit: PAGE } : { limit: PAGE, after };
    const page: ListPage<Assistant> = fromArray(
      await sendWhole<Assistant[]>(api.GET("/v1/assistants", { params: { query }, signal })),
    );
    items.push(...page.items.filter(({ webhook_url }) => webhook_url != null));
    after = page.hasMore ? page.lastId : null;
  } while (after !== null);
  return { items, hasMore: false, lastId: null };
}
