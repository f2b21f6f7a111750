import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../src/streams/events";
import { fold, foldAll } from "../src/streams/fold";
import { EMPTY_VIEW, findOpenCalls, type RunView } from "../src/streams/view";

const FOLDER = new URL("./journals/", import.meta.url);
const JOURNALS = readdirSync(FOLDER).map((name) => name.replace(".json", ""));

function read(name: string): RunEvent[] {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf-8")) as RunEvent[];
}

function textOf(view: RunView): string {
  return view.items
    .flatMap((item) => (item.kind === "message" ? [view.messages[item.id]] : []))
    .filter((message) => message?.state !== "discarded")
    .map((message) => (message?.text ?? "") + (message?.refusal ?? ""))
    .join("\n");
}

describe.each(JOURNALS)("the journal %s", (name) => {
  const events = read(name);
  const whole = foldAll(EMPTY_VIEW, events);

  it("ends with a final status", () => {
    expect(whole.status).toMatch(/completed|failed|cancelled|incomplete|expired/);
    expect(whole.position).toBe(events.at(-1)?.id);
    expect(whole.unknown).toEqual([]);
  });

  it("leads to the same view if it is read in two parts, cut at any position", () => {
    for (let cut = 0; cut <= events.length; cut++) {
      const first = foldAll(EMPTY_VIEW, events.slice(0, cut));
      expect(foldAll(first, events.slice(cut))).toEqual(whole);
    }
  });

  it("leads to the same view if a reader gets earlier events again", () => {
    for (let cut = 0; cut <= events.length; cut++) {
      const first = foldAll(EMPTY_VIEW, events.slice(0, cut));
      expect(foldAll(first, events)).toEqual(whole);
    }
  });

  it("does not change an earlier view", () => {
    let view = EMPTY_VIEW;
    for (const event of events) {
      const before = JSON.stringify(view);
      const next = fold(view, event);
      expect(JSON.stringify(view)).toBe(before);
      view = next;
    }
  });
});

describe("the reducer", () => {
  it("keeps an event of an unknown type", () => {
    const event = { id: 1, type: "hologram", data: 3 };
    const view = fold(EMPTY_VIEW, event);
    expect(view.unknown).toEqual([event]);
    expect(view.position).toBe(1);
  });

  it("leaves nothing of a turn that is repeated", () => {
    const view = foldAll(EMPTY_VIEW, read("retry"));
    expect(view.items.filter((item) => item.kind === "retry")).toHaveLength(1);
    expect(Object.values(view.messages).map((message) => message.state)).toContain("discarded");
    expect(textOf(view)).toBe("Here is the whole answer.");
  });

  it("voids reasoning and unfinished calls of a turn that is repeated", () => {
    const view = foldAll(EMPTY_VIEW, [
      { id: 1, type: "reasoning", content: "Hm." },
      { id: 2, type: "call_created", tool_call_id: "call_1", name: "look" },
      { id: 3, type: "call_arguments", content: '{"a' },
      { id: 4, type: "retry", attempt: 1, delay_s: 1, error: { code: "server_error", message: "It broke." } },
    ]);
    expect(view.items[0]).toMatchObject({ kind: "reasoning", state: "discarded" });
    expect(view.calls.call_1?.state).toBe("discarded");
  });

  it("empties code and output of a call that starts again, and keeps its files", () => {
    const start = { type: "tool_started", action_id: "act_1", tool_call_id: "call_1", tool: "t", name: "code" };
    const view = foldAll(EMPTY_VIEW, [
      { id: 1, ...start },
      { id: 2, type: "code", tool_call_id: "call_1", content: "1 + 1" },
      { id: 3, type: "output", tool_call_id: "call_1", stream: "stdout", content: "2" },
      { id: 4, type: "file", tool_call_id: "call_1", file_id: "file_1", filename: "a.png" },
      { id: 5, ...start },
    ]);
    expect(view.calls.call_1).toMatchObject({ code: "", output: [], state: "running" });
    expect(view.calls.call_1?.files).toHaveLength(1);
  });

  it("asks for the outputs of calls until they are answered", () => {
    const events = read("two_calls");
    const asked = events.findLastIndex((event) => event.type === "tool_call_manifest");
    const waiting = foldAll(EMPTY_VIEW, events.slice(0, asked + 1));
    expect(findOpenCalls(waiting).map((call) => call.args)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
    expect(findOpenCalls(foldAll(EMPTY_VIEW, events))).toEqual([]);
  });

  it("separates reasoning from text", () => {
    const view = foldAll(EMPTY_VIEW, read("reasoning"));
    expect(view.items.find((item) => item.kind === "reasoning")).toMatchObject({ text: "Hm. So." });
    expect(textOf(view)).toBe("Four.");
  });

  it("shows code and its output", () => {
    const [call] = Object.values(foldAll(EMPTY_VIEW, read("code")).calls);
    expect(call).toMatchObject({ state: "done", name: "code_interpreter", code: "1 + 1" });
    expect(call?.output).toEqual([{ stream: "result", content: "2\n" }]);
  });

  it("keeps citations, and counts those that were removed", () => {
    const [message] = Object.values(foldAll(EMPTY_VIEW, read("citations")).messages).slice(-1);
    expect(message?.citations).toHaveLength(1);
    expect(message?.removedCitations).toBe(1);
  });

  it("says why a stream ended before its run, and takes nothing else without a position", () => {
    const error = { id: null, type: "error", code: "key_revoked", message: "The key was revoked." };
    expect(fold(EMPTY_VIEW, error)).toEqual({ ...EMPTY_VIEW, ended: error });
    expect(fold(EMPTY_VIEW, { id: null, type: "content", content: "x" })).toEqual(EMPTY_VIEW);
  });
});

describe("a call that needs approval", () => {
  const asked: RunEvent[] = [
    { id: 1, type: "call_created", tool_call_id: "c", name: "pay" },
    {
      id: 2,
      type: "approval_required",
      approval_id: "appr_1",
      action_id: "act_1",
      tool_call_id: "c",
      tool: "function",
      name: "pay",
      args: { amount: 7 },
      arguments: '{"amount": 7}',
      effect: "unsafe",
      reason: "require_approval",
      expires_at: 9,
      digest: "d",
    },
  ];
  const decided = (verdict: "approved" | "denied", more: object = {}): RunEvent =>
    ({
      id: 3,
      type: "approval_decided",
      approval_id: "appr_1",
      tool_call_id: "c",
      verdict,
      by: "pd_1",
      ...more,
    }) as RunEvent;

  it("waits, and is not one of the calls that the caller answers", () => {
    const view = foldAll(EMPTY_VIEW, asked);
    expect(view.calls.c?.state).toBe("gated");
    expect(view.calls.c?.approval?.digest).toBe("d");
    expect(findOpenCalls(view)).toEqual([]);
  });

  it("has the arguments of the decision once it is approved", () => {
    const view = foldAll(EMPTY_VIEW, [...asked, decided("approved", { arguments: '{"amount": 1}' })]);
    expect(view.calls.c?.state).toBe("approved");
    expect(view.calls.c?.args).toEqual({ amount: 1 });
    expect(view.calls.c?.approval).toBeNull();
  });

  it("stays denied with the output that the model receives", () => {
    const output: RunEvent = { id: 4, type: "tool_output", tool_call_id: "c", output: "Denied.", error: true };
    const view = foldAll(EMPTY_VIEW, [...asked, decided("denied"), output]);
    expect(view.calls.c?.state).toBe("denied");
    expect(view.calls.c?.result).toBe("Denied.");
  });
});
