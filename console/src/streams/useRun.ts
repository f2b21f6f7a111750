/** A run in React: its events folded once per frame, with a connection only while the tab is visible. */

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useReducer, useRef, useState } from "react";
import { api, send } from "@/api/client";
import type { RunEvent } from "./events";
import { foldAll } from "./fold";
import { type Connection, followRun, pause } from "./follow";
import { claimStream } from "./tabs";
import { EMPTY_VIEW, isFinal, type RunView } from "./view";

const HIDDEN_MS = 5000;
const POLL_MS = 1000;

export interface LiveRun {
  view: RunView;
  connection: Connection;
  error: unknown;
  /** Too many tabs stream: this one looks once a second. */
  isPolling: boolean;
}

/** Follow a run; null follows nothing. The view begins empty and contains the whole journal.
 *
 * The view of a run that is over is kept for a while, so that showing it again opens no connection.
 */
export function useRun(runId: string | null): LiveRun {
  const client = useQueryClient();
  const [view, dispatch] = useReducer(reduceView, null, () => getFinished(client, runId) ?? EMPTY_VIEW);
  const [connection, setConnection] = useState<Connection>("connecting");
  const [error, setError] = useState<unknown>(null);
  const [isPolling, setPolling] = useState(false);
  const position = useRef(0);

  useEffect(() => {
    const finished = getFinished(client, runId);
    position.current = 0;
    dispatch(finished ?? EMPTY_VIEW);
    setError(null);
    if (finished) return setConnection("over");
    if (runId === null) return;
    return startFollowing(runId, position, dispatch, { setConnection, setError, setPolling });
  }, [runId, client]);

  useEffect(() => {
    if (runId !== null && isFinal(view.status)) client.setQueryData(viewKey(runId), view);
  }, [runId, view, client]);

  return { view, connection, error, isPolling };
}

/** Follow a run, and keep its events besides the view. */
export function useJournal(runId: string): LiveRun & { events: RunEvent[] } {
  const [journal, dispatch] = useReducer(reduceJournal, EMPTY_JOURNAL);
  const [connection, setConnection] = useState<Connection>("connecting");
  const [error, setError] = useState<unknown>(null);
  const [isPolling, setPolling] = useState(false);
  const position = useRef(0);
  useEffect(() => {
    position.current = 0;
    dispatch(null);
    return startFollowing(runId, position, dispatch, { setConnection, setError, setPolling });
  }, [runId]);
  return { ...journal, connection, error, isPolling };
}

interface Setters {
  setConnection: (state: Connection) => void;
  setError: (error: unknown) => void;
  setPolling: (polling: boolean) => void;
}

/** Read the events after `position` while the tab is visible, and hand them over once per frame.
 *
 * Returns what stops it.
 */
function startFollowing(
  runId: string,
  position: { current: number },
  handOver: (events: RunEvent[]) => void,
  { setConnection, setError, setPolling }: Setters,
): () => void {
  const frames = new FrameBatch(handOver);
  const stop = whileVisible((signal) =>
    follow(runId, {
      signal,
      after: () => position.current,
      onEvents: (events) => {
        position.current = events.at(-1)?.id ?? position.current;
        frames.add(events);
      },
      onConnection: (state, cause) => {
        setConnection(state);
        setError(cause ?? null);
      },
      onPolling: setPolling,
    }),
  );
  return () => {
    stop();
    frames.cancel();
  };
}

interface JournalState {
  view: RunView;
  events: RunEvent[];
}

const EMPTY_JOURNAL: JournalState = { view: EMPTY_VIEW, events: [] };

/** Add events; null begins from the start. */
function reduceJournal({ view, events }: JournalState, added: RunEvent[] | null): JournalState {
  return added === null ? EMPTY_JOURNAL : { view: foldAll(view, added), events: events.concat(added) };
}

/** Fold events, or replace the view. */
function reduceView(view: RunView, change: RunEvent[] | RunView): RunView {
  return Array.isArray(change) ? foldAll(view, change) : change;
}

function viewKey(runId: string): string[] {
  return ["run-view", runId];
}

function getFinished(client: QueryClient, runId: string | null): RunView | undefined {
  return runId === null ? undefined : client.getQueryData<RunView>(viewKey(runId));
}

interface Following {
  signal: AbortSignal;
  after: () => number;
  onEvents: (events: RunEvent[]) => void;
  onConnection: (state: Connection, error?: unknown) => void;
  onPolling: (polling: boolean) => void;
}

/** Stream the run, or, with many streaming tabs, look at it each second and read its journal when it is over. */
async function follow(runId: string, following: Following): Promise<void> {
  const { signal, onPolling } = following;
  let release = claimStream();
  while (release === null && !signal.aborted) {
    onPolling(true);
    const run = await send(api.GET("/v1/runs/{run_id}", { params: { path: { run_id: runId } }, signal })).catch(
      () => null,
    );
    if (run && isFinal(run.status)) break;
    await pause(POLL_MS, signal);
    release = claimStream();
  }
  try {
    onPolling(false);
    if (!signal.aborted) await followRun(runId, following);
  } finally {
    release?.();
  }
}

/** Run work while the tab is visible; a tab that is hidden for some seconds lets go. Returns what stops it. */
function whileVisible(work: (signal: AbortSignal) => Promise<void>): () => void {
  let controller: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = () => {
    controller = new AbortController();
    void work(controller.signal);
  };
  const release = () => {
    controller?.abort();
    controller = null;
  };
  const onChange = () => {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") timer = setTimeout(release, HIDDEN_MS);
    else if (controller === null) start();
  };
  document.addEventListener("visibilitychange", onChange);
  if (document.visibilityState !== "hidden") start();
  return () => {
    document.removeEventListener("visibilitychange", onChange);
    clearTimeout(timer);
    release();
  };
}

/** Collects events, and hands them over once per animation frame. */
class FrameBatch {
  #events: RunEvent[] = [];
  #frame: number | null = null;
  readonly #handOver: (events: RunEvent[]) => void;

  constructor(handOver: (events: RunEvent[]) => void) {
    this.#handOver = handOver;
  }

  add(events: RunEvent[]): void {
    this.#events.push(...events);
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#handOver(this.#events.splice(0));
    });
  }

  cancel(): void {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
  }
}
