import { describe, expect, it } from "vitest";
import {
  type Assistant,
  chooseStore,
  findChanges,
  findLine,
  formatMetaData,
  listStoreIds,
  parseMetaData,
  switchTool,
  toDraft,
} from "@/pages/assistants/draft";
import { choosePreview } from "@/pages/files/previews";

const ASSISTANT = {
  id: "asst_1",
  object: "assistant",
  created_at: 1,
  name: "Librarian",
  model: "demo/assistant",
  tools: [{ type: "file_search", vector_store_ids: ["vs_1"] }],
  temperature: 1,
  top_p: 1,
  response_format: "auto",
  vector_stores: [],
} as unknown as Assistant;

describe("the draft of an assistant", () => {
  it("sends only what changed, and null for what was removed", () => {
    const draft = toDraft(ASSISTANT);
    expect(findChanges(draft, ASSISTANT)).toEqual({});
    const { name: _, ...rest } = draft;
    expect(findChanges({ ...rest, temperature: 0.5 }, ASSISTANT)).toEqual({ name: null, temperature: 0.5 });
  });

  it("switches tools, and keeps the others with their settings", () => {
    const draft = switchTool(toDraft(ASSISTANT), "computer", true);
    expect(draft.tools).toEqual([{ type: "file_search", vector_store_ids: ["vs_1"] }, { type: "computer" }]);
    expect(switchTool(draft, "file_search", false).tools).toEqual([{ type: "computer" }]);
  });

  it("lists and chooses the stores of tool and resources", () => {
    const draft = chooseStore(toDraft(ASSISTANT), "vs_2", true);
    expect(listStoreIds(draft)).toEqual(["vs_1", "vs_2"]);
    expect(listStoreIds(chooseStore(draft, "vs_1", false))).toEqual(["vs_2"]);
  });

  it("reads metadata as lines", () => {
    const pairs = { team: "reading", link: "https://example.com" };
    expect(parseMetaData(formatMetaData(pairs))).toEqual(pairs);
    expect(parseMetaData(" \n")).toBeNull();
  });

  it("finds the line of a rejected field", () => {
    const json = JSON.stringify({ name: "a", tools: [{ type: "function", function: { name: "b c" } }] }, null, 2);
    expect(findLine(json, "tools.0.function.name")).toBe(7);
    expect(findLine(json, "model")).toBeNull();
  });
});

describe("the preview of a file", () => {
  it.each([
    ["image/png", "image"],
    ["image/svg+xml", "text"],
    ["text/html; charset=utf-8", "text"],
    ["application/pdf", "pdf"],
    ["application/json", "text"],
    ["application/zip", "none"],
  ])("of %s is %s", (type, kind) => expect(choosePreview(type)).toBe(kind));
});
