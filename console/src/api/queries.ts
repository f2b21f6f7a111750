/** Server state in React: queries, pages of lists, and commands that happen once per press. */

import {
  QueryCache,
  QueryClient,
  type QueryKey,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { api, newIdempotencyKey, send } from "./client";
import { ApiError, isTemporary, ServerAway } from "./errors";
import type { components } from "./schema";

export type Health = components["schemas"]["Health"];

const MAX_RETRIES = 2;
const HEALTH_SECONDS = 10;
const HEALTH = ["health"];

/** A client that retries what can succeed later, and waits as long as the server asks. */
export function createQueryClient(): QueryClient {
  const retry = (failures: number, error: unknown) => isTemporary(error) && failures < MAX_RETRIES;
  const retryDelay = (failures: number, error: unknown) =>
    error instanceof ApiError && error.retryAfter !== null
      ? error.retryAfter * 1000
      : Math.min(500 * 2 ** failures, 8000);
  const client: QueryClient = new QueryClient({
    // A request that got no answer is a reason to look at once, and not only at the next poll.
    queryCache: new QueryCache({
      onError: (error, { queryKey }) => {
        if (error instanceof ServerAway && queryKey[0] !== HEALTH[0])
          void client.invalidateQueries({ queryKey: HEALTH });
      },
    }),
    defaultOptions: {
      queries: { retry, retryDelay, staleTime: 2000, networkMode: "always" },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return client;
}

/** The health of the server, polled: every 10 seconds, more often while it is away. */
export function useHealth() {
  const client = useQueryClient();
  useEffect(() => {
    const check = () => void client.invalidateQueries({ queryKey: HEALTH });
    window.addEventListener("online", check);
    window.addEventListener("offline", check);
    return () => {
      window.removeEventListener("online", check);
      window.removeEventListener("offline", check);
    };
  }, [client]);
  return useQuery({
    queryKey: HEALTH,
    queryFn: () => send(api.GET("/health")),
    retry: false,
    refetchInterval: (query) =>
      query.state.status === "error"
        ? Math.min(1000 * 2 ** query.state.fetchFailureCount, 10_000)
        : HEALTH_SECONDS * 1000,
  });
}

/** One page of a list. */
export interface ListPage<T> {
  items: T[];
  hasMore: boolean;
  lastId: string | null;
}

interface WireList<T> {
  data: T[];
  has_more?: boolean;
  last_id?: string | null;
}

/** A page of the form `{object: "list", data, has_more, last_id}`. */
export function fromList<T>(list: WireList<T>): ListPage<T> {
  return { items: list.data, hasMore: list.has_more ?? false, lastId: list.last_id ?? null };
}

/** A page that is a bare array; its headers `x-has-more` and `x-last-id` describe the next. */
export function fromArray<T>({ data, response }: { data: T[]; response: Response }): ListPage<T> {
  return {
    items: data,
    hasMore: response.headers.get("x-has-more") === "true",
    lastId: response.headers.get("x-last-id"),
  };
}

interface ListOptions<T> {
  enabled?: boolean;
  /** Milliseconds between two reads while the tab is visible, for lists with something running. */
  refetchInterval?: number | false | ((items: T[]) => number | false);
}

/** A list that grows by pages. `items` has those read so far, `loadMore` reads the next. */
export function useList<T>(
  queryKey: QueryKey,
  loadPage: (after: string | undefined, signal: AbortSignal) => Promise<ListPage<T>>,
  { enabled = true, refetchInterval = false }: ListOptions<T> = {},
) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => loadPage(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => (page.hasMore && page.lastId !== null ? page.lastId : undefined),
    enabled,
    refetchInterval: ({ state }) =>
      typeof refetchInterval === "function"
        ? refetchInterval(state.data?.pages.flatMap((page) => page.items) ?? [])
        : refetchInterval,
  });
  return {
    items: query.data?.pages.flatMap((page) => page.items),
    error: query.error,
    isLoading: query.isPending,
    updatedAt: query.dataUpdatedAt,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
    reload: () => void query.refetch(),
  };
}

interface CommandOptions<T> {
  /** Queries that the command makes stale. */
  invalidates?: QueryKey[];
  onSuccess?: (result: T) => void;
}

/** A write. Each press has one `Idempotency-Key`, which its retries share; a press during a request does nothing. */
export function useCommand<V, T>(
  run: (values: V, headers: { "Idempotency-Key": string }) => Promise<T>,
  { invalidates = [], onSuccess }: CommandOptions<T> = {},
) {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: ({ values, key }: { values: V; key: string }) => run(values, { "Idempotency-Key": key }),
    retry: (failures, error) =>
      isTemporary(error) && !(error instanceof ApiError && error.status === 429) && failures < 2,
    onSuccess: async (result) => {
      await Promise.all(invalidates.map((queryKey) => client.invalidateQueries({ queryKey })));
      onSuccess?.(result);
    },
  });
  return {
    run: (values: V) => {
      if (!mutation.isPending) mutation.mutate({ values, key: newIdempotencyKey() });
    },
    isRunning: mutation.isPending,
    error: mutation.error,
    result: mutation.data,
    reset: mutation.reset,
  };
}
