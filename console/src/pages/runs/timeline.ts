/** The timeline of a run: turns of the model, calls and waits, from the events of its journal. */

import type { KnownEvent, RunEvent } from "@/streams/events";

export type MarkKind = "first" | "retry" | "discarded" | "recovered";

export interface Mark {
  kind: MarkKind;
  at: number;
}

export interface TimelineRow {
  key: string;
  kind: "turn" | "call" | "wait";
  /** The number of the turn, the name of the call, or what is waited for. */
  name: string;
  /** Nesting: calls belong to the turn that asked for them, waits to their call. */
  level: 1 | 2 | 3;
  /** Unix seconds, or positions if the events have no times. */
  start: number;
  end: number;
  marks: Mark[];
  /** Ids of messages and calls: steps are found by them. */
  ids: string[];
}

export interface Timeline {
  rows: TimelineRow[];
  /** Whether starts and ends are times; otherwise they are positions. */
  hasTimes: boolean;
  start: number;
  end: number;
}

const WRITTEN_BY_MODEL: ReadonlySet<string> = new Set([
  "message_created",
  "content",
  "refusal",
  "reasoning",
  "call_created",
  "call_arguments",
  "message_discarded",
  "message_completed",
  "retry",
]);
const TEXT: ReadonlySet<string> = new Set(["content", "refusal", "reasoning", "call_created"]);

/** Build the timeline. Rows that have not ended reach to the last event. */
export function buildTimeline(events: RunEvent[]): Timeline {
  const hasTimes = events.length > 0 && events.every((event) => event.at !== undefined || event.id === null);
  const builder = new TimelineBuilder();
  let last = 0;
  let first: number | null = null;
  for (const event of events) {
    if (event.id === null) continue;
    last = Math.max(last, hasTimes ? (event.at ?? last) : event.id);
    first ??= last;
    builder.add(event as KnownEvent, last);
  }
  return { rows: builder.finish(last), hasTimes, start: first ?? 0, end: last };
}

class TimelineBuilder {
  readonly #turns: TimelineRow[] = [];
  readonly #children = new Map<TimelineRow, TimelineRow[]>();
  readonly #calls = new Map<string, TimelineRow>();
  readonly #waits = new Map<string, TimelineRow>();
  #turn: TimelineRow | null = null;
  /** When the model was asked: at the start of the run, or when the last output was there. */
  #asked: number | null = null;

  add(event: KnownEvent, at: number): void {
    if (WRITTEN_BY_MODEL.has(event.type)) this.#addToTurn(event, at);
    else if ("tool_call_id" in event) this.#addToCall(event, at);
    else if (event.type === "status" && event.status === "in_progress" && this.#turn === null) this.#asked ??= at;
  }

  finish(end: number): TimelineRow[] {
    for (const row of [...this.#calls.values(), ...this.#waits.values()]) if (row.end < 0) row.end = end;
    return this.#turns.flatMap((turn) => [turn, ...(this.#children.get(turn) ?? [])]);
  }

  #addToTurn(event: KnownEvent, at: number): void {
    const turn = this.#turn ?? this.#openTurn(at);
    turn.end = at;
    if (event.type === "message_created") turn.ids.push(event.message_id);
    if (event.type === "call_created") turn.ids.push(event.tool_call_id);
    if (event.type === "retry") turn.marks.push({ kind: "retry", at });
    if (event.type === "message_discarded") turn.marks.push({ kind: "discarded", at });
    if (TEXT.has(event.type) && !turn.marks.some(({ kind }) => kind === "first"))
      turn.marks.push({ kind: "first", at });
  }

  #openTurn(at: number): TimelineRow {
    const name = String(this.#turns.length + 1);
    const turn = newRow(`turn-${name}`, "turn", name, 1, this.#asked ?? at);
    this.#turns.push(turn);
    this.#turn = turn;
    return turn;
  }

  #addToCall(event: Extract<KnownEvent, { tool_call_id: string }>, at: number): void {
    const id = event.tool_call_id;
    if (event.type === "approval_required") this.#openWait(id, "approval", at, event.name);
    else if (event.type === "approval_decided") this.#closeWait(`${id}-approval`, at);
    else if (event.type === "tool_call_manifest") this.#openWait(id, "output", at, event.tool);
    else if (event.type === "tool_started") this.#startCall(id, at, event.name);
    else if (event.type === "sandbox") {
      if (event.state === "waiting") this.#openWait(id, "sandbox", at, event.tool_call_id);
      else this.#closeWait(`${id}-sandbox`, at);
    } else if (event.type === "tool_output") {
      this.#callOf(id, at, id).end = at;
      this.#closeWait(`${id}-output`, at);
      this.#closeWait(`${id}-sandbox`, at);
      this.#turn = null;
      this.#asked = at;
    }
  }

  #startCall(id: string, at: number, name: string): void {
    const known = this.#calls.get(id);
    if (known) known.marks.push({ kind: "recovered", at });
    else this.#callOf(id, at, name);
  }

  #callOf(id: string, at: number, name: string): TimelineRow {
    const known = this.#calls.get(id);
    if (known) return known;
    const row = newRow(id, "call", name, 2, at);
    row.ids.push(id);
    this.#calls.set(id, row);
    this.#attach(row, at);
    return row;
  }

  #openWait(id: string, what: "approval" | "output" | "sandbox", at: number, name: string): void {
    this.#callOf(id, at, name);
    const key = `${id}-${what}`;
    if (this.#waits.has(key)) return;
    const wait = newRow(key, "wait", what, 3, at);
    this.#waits.set(key, wait);
    this.#attach(wait, at);
  }

  #closeWait(key: string, at: number): void {
    const wait = this.#waits.get(key);
    if (wait && wait.end < 0) wait.end = at;
  }

  #attach(row: TimelineRow, at: number): void {
    const turn = this.#turn ?? this.#turns.at(-1) ?? this.#openTurn(at);
    this.#children.set(turn, [...(this.#children.get(turn) ?? []), row]);
  }
}

/** A row that has not ended: `end` is negative. */
function newRow(key: string, kind: TimelineRow["kind"], name: string, level: 1 | 2 | 3, start: number): TimelineRow {
  return { key, kind, name, level, start, end: kind === "turn" ? start : -1, marks: [], ids: [] };
}
