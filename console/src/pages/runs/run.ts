import type { components } from "@/api/schema";
import { formatDuration, formatMoney, formatNumber } from "@/format";

export type Run = components["schemas"]["Run"];

/** Seconds from the start of a run to its end, or to now; null before its start. */
export function durationOf(run: Run, now = Date.now() / 1000): number | null {
  if (run.started_at == null) return null;
  const ended = run.completed_at ?? run.failed_at ?? run.cancelled_at;
  const end = ended ?? (run.status === "expired" ? Math.min(run.expires_at, now) : now);
  return Math.max(end - run.started_at, 0);
}

export function describeDuration(run: Run): string {
  const seconds = durationOf(run);
  return seconds === null ? "–" : formatDuration(seconds);
}

export function describeTokens(tokens: number | null | undefined): string {
  return tokens == null ? "–" : formatNumber(tokens);
}

/** Money, or a dash if no price was known. */
export function describeCost(cost: number | null | undefined): string {
  return cost == null ? "–" : formatMoney(cost);
}

/** Python code with which the assistant answers the thread again. */
export function toCode(run: Run): string {
  const body = { assistant_id: run.assistant_id, thread_id: run.thread_id };
  const fields = Object.entries(body).map(([name, value]) => `    ${name}=${JSON.stringify(value)},`);
  return [
    "from projectdavid import Entity",
    "",
    "client = Entity()",
    "run = client.runs.create_run(",
    ...fields,
    ")",
  ].join("\n");
}
