import { describe, expect, it } from "vitest";
import { FrameParser, readFrames } from "../src/streams/sse";

const TEXT =
  'id: 1\nevent: content\ndata: {"content":"Größe 🌍"}\n\n: keep-alive\n\ndata: a\ndata: b\r\n\r\ndata: [DONE]\n\n';
const FRAMES = [
  { id: 1, event: "content", data: '{"content":"Größe 🌍"}' },
  { id: null, event: "message", data: "a\nb" },
  { id: null, event: "message", data: "[DONE]" },
];

describe("the reader of Server-Sent Events", () => {
  it("reads frames and ignores comments", () => {
    expect(new FrameParser().push(TEXT)).toEqual(FRAMES);
  });

  it("reads the same frames wherever the bytes are cut", async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (let cut = 1; cut < bytes.length; cut++) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(bytes.slice(0, cut));
          controller.enqueue(bytes.slice(cut));
          controller.close();
        },
      });
      const frames = [];
      for await (const some of readFrames(body)) frames.push(...some);
      expect(frames).toEqual(FRAMES);
    }
  });
});
