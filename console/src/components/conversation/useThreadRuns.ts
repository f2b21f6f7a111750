/** The runs of a thread that a conversation follows. */

import { type QueryKey, useQuery } from "@tanstack/react-query";
import { api, send } from "@/api/client";
import { isFinal } from "@/streams/view";
import type { Run } from "./turns";

const POLL_OPEN_MS = 2000;
const POLL_IDLE_MS = 6000;
const MAX_RUNS = 10;

/** The key of the query, for what changes the runs of a thread. */
export function threadRunsKey(threadId: string | null): QueryKey {
  return ["threads", threadId, "newest-runs"];
}

/** The newest run and all open ones, the oldest first. Another tab or program can start one, so they are polled. */
export function useThreadRuns(threadId: string | null) {
  const { data, error } = useQuery({
    queryKey: threadRunsKey(threadId),
    queryFn: ({ signal }) =>
      send(
        api.GET("/v1/runs", {
          params: { query: { thread_id: threadId ?? "", limit: MAX_RUNS, order: "desc" } },
          signal,
        }),
      ),
    enabled: threadId !== null,
    refetchInterval: (query) => (findLive(query.state.data?.data).some(isOpen) ? POLL_OPEN_MS : POLL_IDLE_MS),
  });
  return { runs: findLive(data?.data), isLoading: threadId !== null && data === undefined && !error, error };
}

function findLive(newestFirst: Run[] = []): Run[] {
  return newestFirst.filter((run, index) => index === 0 || isOpen(run)).toReversed();
}

/** Whether a run is not over. */
export function isOpen(run: Run): boolean {
  return !isFinal(run.status);
}
