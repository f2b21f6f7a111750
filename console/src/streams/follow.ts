/** Follows the journal of a run over connections that break, until the run is over or the caller stops. */

import { fetchRaw } from "@/api/client";
import { ApiError, isTemporary } from "@/api/errors";
import type { RunEvent } from "./events";
import { type Frame, readFrames } from "./sse";

/** `waiting`: the connection is lost and is opened again; `over`: the journal is complete. */
export type Connection = "connecting" | "open" | "waiting" | "over" | "failed";

export interface Follower {
  /** The position after which to read. */
  after: () => number;
  onEvents: (events: RunEvent[]) => void;
  onConnection: (state: Connection, error?: unknown) => void;
  signal: AbortSignal;
}

const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 8000;
/** Three times the longest pause that the server makes between two signs of life. */
const SILENCE_MS = 45_000;
const ALMOST_AT_ONCE_MS = 2000;

/** Follow a run. Returns when it is over, failed for good, or aborted. */
export async function followRun(runId: string, follower: Follower): Promise<void> {
  const { signal, onConnection } = follower;
  let failures = 0;
  onConnection("connecting");
  while (!signal.aborted) {
    try {
      const before = follower.after();
      if (await readOnce(runId, follower)) return onConnection("over");
      failures = follower.after() > before ? 0 : failures;
    } catch (error) {
      if (signal.aborted) return;
      if (!isTemporary(error) && !isCut(error)) return onConnection("failed", error);
      if (error instanceof ApiError && error.retryAfter !== null) await pause(error.retryAfter * 1000, signal);
    }
    await waitToReconnect(failures++, onConnection, signal);
  }
}

/** Read one connection. Returns true if the journal ended with `[DONE]`, false if the connection was cut. */
async function readOnce(runId: string, follower: Follower): Promise<boolean> {
  const silence = new AbortController();
  const signal = AbortSignal.any([follower.signal, silence.signal]);
  const path = `/v1/runs/${encodeURIComponent(runId)}/events?after=${follower.after()}`;
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await fetchRaw(path, { signal, headers: { accept: "text/event-stream" } });
    follower.onConnection("open");
    if (!response.body) return false;
    for await (const frames of readFrames(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const done = frames.some((frame) => frame.data === "[DONE]");
      const events = frames.filter((frame) => frame.data !== "[DONE]").map(toEvent);
      if (events.length > 0) follower.onEvents(events);
      if (done) return true;
      if (events.some((event) => event.id === null)) return true;
    }
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Parse a frame; the name of its SSE event is only a hint, `type` is in the data. */
export function toEvent(frame: Frame): RunEvent {
  return { ...(JSON.parse(frame.data) as RunEvent), id: frame.id };
}

function isCut(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === "AbortError");
}

async function waitToReconnect(
  failures: number,
  onConnection: Follower["onConnection"],
  signal: AbortSignal,
): Promise<void> {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** failures, LAST_DELAY_MS) * (0.75 + Math.random() / 2);
  // A short break is not worth a word.
  if (delay > ALMOST_AT_ONCE_MS / 2) onConnection("waiting");
  await pause(delay, signal);
}

/** Wait, at most until the signal. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}
