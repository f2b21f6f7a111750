import { useSyncExternalStore } from "react";
import { formatAgo, formatMoment, toDate } from "@/format";

const TICK_MS = 15_000;
const listeners = new Set<() => void>();
let tick = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** A time relative to now; the exact one is its title. `time` is Unix seconds or an ISO text. */
export function TimeAgo({ time }: { time: number | string | null | undefined }) {
  useSyncExternalStore(subscribe, () => tick);
  if (time === null || time === undefined) return <>–</>;
  const date = toDate(time);
  return (
    <time dateTime={date.toISOString()} title={formatMoment(date)}>
      {formatAgo(date)}
    </time>
  );
}

/** One timer serves all times of the page. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    tick += 1;
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
