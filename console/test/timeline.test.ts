import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { toRows } from "../src/pages/runs/journal";
import { buildTimeline } from "../src/pages/runs/timeline";
import type { RunEvent } from "../src/streams/events";

const FOLDER = new URL("./journals/", import.meta.url);
const JOURNALS = readdirSync(FOLDER).map((name) => name.replace(".json", ""));
const BEGIN = 1000;

/** A recorded journal, one second from event to event. */
function read(name: string): RunEvent[] {
  const events = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf-8")) as RunEvent[];
  return events.map((event, index) => ({ ...event, at: BEGIN + index }));
}

describe.each(JOURNALS)("the journal %s", (name) => {
  const events = read(name);

  it("has a timeline whose rows lie within the run", () => {
    const { rows, hasTimes, start, end } = buildTimeline(events);
    expect(hasTimes).toBe(true);
    expect([start, end]).toEqual([BEGIN, BEGIN + events.length - 1]);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row.start).toBeGreaterThanOrEqual(start);
      expect(row.end).toBeGreaterThanOrEqual(row.start);
      expect(row.end).toBeLessThanOrEqual(end);
    }
  });

  it("keeps every event in the rows of the journal", () => {
    const pieces = toRows(events, null).reduce((sum, row) => sum + row.count, 0);
    expect(pieces).toBe(events.length);
  });
});

describe("a timeline", () => {
  it("has the turns of the model, and below them their calls", () => {
    expect(buildTimeline(read("plot")).rows.map(({ kind }) => kind)).toEqual(["turn", "call", "turn"]);
  });

  it("is drawn by position if the events have no times", () => {
    const events = read("text").map(({ at: _, ...event }) => event as RunEvent);
    expect(buildTimeline(events)).toMatchObject({ hasTimes: false, start: 1, end: events.length });
  });

  it("marks a turn that was repeated", () => {
    const kinds = buildTimeline(read("retry")).rows.flatMap(({ marks }) => marks.map(({ kind }) => kind));
    expect(kinds).toContain("retry");
  });
});
