/** Usage by day, without gaps. */

import type { components } from "@/api/schema";

export type UsageEntry = components["schemas"]["UsageEntry"];

const DAY_SECONDS = 86_400;

export interface Series {
  /** Unix seconds of midnight UTC. */
  days: number[];
  tokens: number[];
  cost: number[];
}

/** Return a value for each day from `start` to `end`, inclusive; days without entries are zero. */
export function fillDays(start: string, end: string, entries: UsageEntry[]): Series {
  const byDay = new Map(entries.map((entry) => [entry.day, entry]));
  const series: Series = { days: [], tokens: [], cost: [] };
  for (let time = toSeconds(start); time <= toSeconds(end); time += DAY_SECONDS) {
    const entry = byDay.get(toDay(time));
    series.days.push(time);
    series.tokens.push(entry?.total_tokens ?? 0);
    series.cost.push(entry?.cost ?? 0);
  }
  return series;
}

/** The first of `count` days that end today, in UTC. */
export function findStart(count: number, now = Date.now()): string {
  return toDay(now / 1000 - (count - 1) * DAY_SECONDS);
}

function toSeconds(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}

function toDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
