import { describe, expect, it } from "vitest";
import { buildFilter, type Condition, parseValue } from "@/pages/stores/filters";
import { cutToMarks, markRange, markWords } from "@/pages/stores/marks";

const marked = (text: string, query: string) =>
  markWords(text, query)
    .filter(({ isMarked }) => isMarked)
    .map(({ text: word }) => word);

describe("marks", () => {
  it("marks the words of a query in other forms, but no common ones", () => {
    const text = "The warranty lasts two years. Warranties cover no battery.";
    expect(marked(text, "what does the warranty of batteries last")).toEqual([
      "warranty",
      "lasts",
      "Warranties",
      "battery",
    ]);
  });

  it("keeps every character of the text", () => {
    const text = "Größe: 12 – “quoted” 日本語 text";
    const pieces = markWords(text, "größe 日本語");
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    expect(marked(text, "größe 日本語")).toEqual(["Größe", "日本語"]);
  });

  it("marks a range, also one that begins before the text", () => {
    expect(markRange("abcdef", 2, 4).map(({ text, isMarked }) => [text, isMarked])).toEqual([
      ["ab", false],
      ["cd", true],
      ["ef", false],
    ]);
    expect(markRange("abc", -5, 1)[0]).toMatchObject({ text: "a", isMarked: true });
    expect(markRange("abc", 9, 12)).toEqual([{ text: "abc", isMarked: false, start: 0 }]);
  });

  it("cuts a long text to where its marks are", () => {
    const text = `${"nothing here ".repeat(200)}the warranty ends ${"nothing here ".repeat(200)}`;
    const cut = cutToMarks(markWords(text, "warranty"), 300);
    expect(cut.some(({ isMarked }) => isMarked)).toBe(true);
    expect(cut.map((piece) => piece.text).join("").length).toBeLessThan(320);
  });
});

describe("filters", () => {
  const condition = (key: string, operator: Condition["operator"], value: string): Condition => ({
    id: 1,
    key,
    operator,
    value,
  });

  it("reads values by their form", () => {
    expect(["2026", '"2026"', "true", " ann ", ""].map(parseValue)).toEqual([2026, "2026", true, "ann", ""]);
  });

  it("builds what the API expects", () => {
    const year = condition("year", "gte", "2026");
    expect(buildFilter([year], "and")).toEqual({ type: "gte", key: "year", value: 2026 });
    expect(buildFilter([year, condition("by", "in", "ann, bob")], "or")).toEqual({
      type: "or",
      filters: [
        { type: "gte", key: "year", value: 2026 },
        { type: "in", key: "by", value: ["ann", "bob"] },
      ],
    });
    expect(buildFilter([condition(" ", "eq", "1")], "and")).toBeUndefined();
  });
});
