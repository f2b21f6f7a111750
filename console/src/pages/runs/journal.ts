/** Rows of a journal: one per event, with the pieces of one text folded into a row. */

import type { RunEvent } from "@/streams/events";

export interface JournalRow {
  /** Positions of the first and the last event. */
  first: number;
  last: number;
  type: string;
  count: number;
  text: string;
  event: RunEvent;
}

const PIECES: ReadonlySet<string> = new Set(["content", "refusal", "reasoning", "call_arguments", "code", "output"]);
const MAX_TEXT = 300;

/** Fold neighbors that are pieces of one text; `type` keeps only that type. */
export function toRows(events: RunEvent[], type: string | null): JournalRow[] {
  const rows: JournalRow[] = [];
  let before: RunEvent | undefined;
  for (const event of events) {
    const row = rows.at(-1);
    if (row && before && isSameText(before, event) && row.last === before.id) extend(row, event);
    else if (type === null || event.type === type) rows.push(newRow(event));
    before = event;
  }
  return rows;
}

/** Return the index of the row with a position, or of the next one; the last row if all are before. */
export function findRow(rows: JournalRow[], position: number): number {
  const found = rows.findIndex((row) => row.last >= position);
  return found < 0 ? rows.length - 1 : found;
}

function isSameText(before: RunEvent, event: RunEvent): boolean {
  if (before.type !== event.type || !PIECES.has(event.type)) return false;
  return (
    fieldOf(before, "tool_call_id") === fieldOf(event, "tool_call_id") &&
    fieldOf(before, "stream") === fieldOf(event, "stream")
  );
}

function fieldOf(event: RunEvent, name: string): unknown {
  return (event as unknown as Record<string, unknown>)[name];
}

function extend(row: JournalRow, event: RunEvent): void {
  row.count += 1;
  row.last = event.id ?? row.last;
  if (row.text.length < MAX_TEXT) row.text = (row.text + String(fieldOf(event, "content") ?? "")).slice(0, MAX_TEXT);
}

function newRow(event: RunEvent): JournalRow {
  const position = event.id ?? 0;
  return { first: position, last: position, type: event.type, count: 1, text: describe(event), event };
}

function describe(event: RunEvent): string {
  if (PIECES.has(event.type)) return String(fieldOf(event, "content") ?? "").slice(0, MAX_TEXT);
  const { id: _id, type: _type, at: _at, ...data } = event as Record<string, unknown>;
  return JSON.stringify(data).slice(0, MAX_TEXT);
}
