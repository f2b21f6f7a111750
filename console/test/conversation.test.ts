import { describe, expect, it } from "vitest";
import { findJsonError } from "@/components/conversation/answers";
import { numberCitations } from "@/components/conversation/citations";
import { stripEscapes } from "@/components/conversation/escapes";
import { findTail, groupTurns, type Message, type Run } from "@/components/conversation/turns";
import { quote, toPython, writeCurl, writeOpenai, writeSdk } from "@/pages/play/code";
import { buildOptions, buildTools, DEFAULTS, parseFunctions } from "@/pages/play/settings";

describe("stripEscapes", () => {
  it.each([
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007text", "text"],
    ["\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["10 %\r20 %\r100 %\ndone", "100 %\ndone"],
    ["long line\rshort", "shortline"],
    ["one\r\ntwo", "one\ntwo"],
    ["abc\b\bd", "ad"],
    ["\u009b2Jclear\u0000\u001b(B", "clear"],
    ["a\tb", "a\tb"],
    ["\u001b]52;c;unfinished", ""],
  ])("shows %j as %j", (raw, shown) => expect(stripEscapes(raw)).toBe(shown));
});

describe("numberCitations", () => {
  const citation = { type: "file_citation", text: "【1:0†a.md】", start_index: 5, end_index: 15 };

  it("replaces a mark by a numbered link, counting code points", () => {
    expect(numberCitations("😀 yes【1:0†a.md】.", [citation])).toBe("😀 yes[1](#citation-0).");
  });

  it("leaves a mark that is not where its annotation says", () => {
    expect(numberCitations("no【1:0†a.md】.", [citation])).toBe("no【1:0†a.md】.");
  });
});

describe("groupTurns", () => {
  const message = (id: string, role: Message["role"], runId: string | null = null) =>
    ({ id, role, run_id: runId }) as Message;
  const run = (id: string) => ({ id }) as Run;
  const keys = (messages: Message[], live: Run[]) => groupTurns(messages, live).map(({ key }) => key);

  it("puts the messages of a run together", () => {
    const messages = [message("a", "user"), message("b", "tool", "r1"), message("c", "assistant", "r1")];
    expect(keys(messages, [])).toEqual(["a", "r1"]);
  });

  it("shows a run that has stored nothing at the end, and its stored messages only once", () => {
    expect(keys([message("a", "user")], [run("r1")])).toEqual(["a", "r1"]);
    const messages = [
      message("a", "user"),
      message("b", "tool", "r1"),
      message("c", "user"),
      message("d", "assistant", "r1"),
    ];
    expect(keys(messages, [run("r1")])).toEqual(["a", "r1", "c"]);
  });

  it("begins the tail with the question of the first live run", () => {
    const messages = [message("a", "user"), message("b", "assistant", "r0"), message("c", "user")];
    expect(findTail(groupTurns(messages, [run("r1")]))).toBe(2);
    expect(findTail(groupTurns(messages, []))).toBe(3);
  });
});

describe("answers", () => {
  it.each([
    ["rain", true],
    ['{"a": 1}', true],
    ['{"a": 1', false],
    ["[1,", false],
  ])("takes %j: %s", (text, isValid) => expect(findJsonError({ text, asText: false }) === null).toBe(isValid));

  it("sends what only looks like JSON, if the user says so", () => {
    expect(findJsonError({ text: "[sic", asText: true })).toBeNull();
  });
});

describe("settings", () => {
  it.each(["{", "{}", '[{"description": "no name"}]', "[1]"])("refuses functions %s", (text) => {
    expect(parseFunctions(text)).toBeNull();
  });

  it("builds tools with their stores and functions", () => {
    const settings = { ...DEFAULTS, tools: ["file_search" as const], stores: ["vs_1"], functions: '[{"name": "f"}]' };
    expect(buildTools(settings)).toEqual([
      { type: "file_search", vector_store_ids: ["vs_1"] },
      { type: "function", function: { name: "f" } },
    ]);
  });

  it("sends only options that are set", () => {
    expect(buildOptions({ ...DEFAULTS, temperature: "0.5", max_turns: " " })).toEqual({ temperature: 0.5 });
  });
});

describe("code", () => {
  const settings = { ...DEFAULTS, model: "demo/assistant", instructions: 'It\'s "new"\n', max_turns: "3" };
  const input = { settings, threadId: null, text: "$THREAD it's `x`", baseUrl: "http://127.0.0.1:9000" };

  it("writes Python literals", () => {
    expect(toPython({ a: [true, null, "q\"'\n"] })).toBe('{"a": [True, None, "q\\"\'\\n"]}');
  });

  it("quotes for the shell, and names only ids as variables", () => {
    expect(quote("it's")).toBe("'it'\\''s'");
    const code = writeCurl(input);
    expect(code).toContain(`"thread_id":"'"$THREAD"'","content":"$THREAD it'\\''s \`x\`"`);
  });

  it("has the settings in each language", () => {
    for (const write of [writeSdk, writeCurl, writeOpenai]) expect(write(input)).toContain("max_turns");
    expect(writeSdk({ ...input, threadId: "thread_1" })).toContain('thread_id = "thread_1"');
  });
});
