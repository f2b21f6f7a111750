/** Counts the streams of all tabs: a browser opens at most six connections to a host over HTTP/1.1. */

const MAX_STREAMS = 4;
const ANSWER_MS = 60;

interface Signal {
  kind: "ask" | "open";
  tab: string;
}

const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("projectdavid.streams");
const tab = Math.random().toString(36).slice(2);
const others = new Set<string>();
let open = 0;

channel?.addEventListener("message", ({ data }: MessageEvent<Signal>) => {
  if (data.kind === "open") others.add(data.tab);
  else if (open > 0) channel.postMessage({ kind: "open", tab } satisfies Signal);
});

/** Whether a connection is left for one more stream; the other visible tabs answer within a moment. */
export async function hasRoom(): Promise<boolean> {
  others.clear();
  channel?.postMessage({ kind: "ask", tab } satisfies Signal);
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  return others.size < MAX_STREAMS;
}

/** Count a stream of this tab; returns what ends the count. */
export function countStream(): () => void {
  open += 1;
  return () => {
    open -= 1;
  };
}
