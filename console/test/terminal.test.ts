import { describe, expect, it } from "vitest";
import { type ShellOutput, Transcript } from "@/pages/terminal/transcript";

const output = (content: string, position: number, lost = 0): ShellOutput => ({
  type: "shell_output",
  content,
  position,
  lost,
});

describe("the transcript of a terminal", () => {
  const start = () => {
    const transcript = new Transcript();
    transcript.accept(output("$ ls\r\n", 6));
    transcript.accept(output("a.txt\r\n", 13));
    return transcript;
  };

  it("passes new output on, and reports lost bytes", () => {
    expect(start().accept(output("b", 20, 6))).toEqual({ text: "b", lost: 6, isNewShell: false });
  });

  it.each([
    ["the same pieces", [output("$ ls\r\n", 6), output("a.txt\r\n", 13)]],
    ["one piece", [output("$ ls\r\na.txt\r\n", 13)]],
  ])("drops what is known after a reconnect: %s", (_, frames) => {
    const transcript = start();
    transcript.reconnect();
    expect(frames.map((frame) => transcript.accept(frame))).toEqual(frames.map(() => null));
    expect(transcript.accept(output("b", 14))).toEqual({ text: "b", lost: 0, isNewShell: false });
  });

  it("keeps what is new of a piece that is known in part", () => {
    const transcript = start();
    transcript.reconnect();
    expect(transcript.accept(output("$ ls\r\na.txt\r\nb", 14))?.text).toBe("b");
  });

  it("reports a gap after a reconnect", () => {
    const transcript = start();
    transcript.reconnect();
    expect(transcript.accept(output("late", 100))).toEqual({ text: "late", lost: 83, isNewShell: false });
  });

  it("recognizes another shell, whose positions begin again", () => {
    const transcript = start();
    expect(transcript.accept(output("$ pwd", 5))?.isNewShell).toBe(true);
    transcript.reconnect();
    expect(transcript.accept(output("$ uname", 7))).toEqual({ text: "$ uname", lost: 0, isNewShell: true });
  });
});
