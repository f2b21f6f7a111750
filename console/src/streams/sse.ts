/** Reader of Server-Sent Events. `EventSource` cannot send the key in a header, so the console reads the bytes. */

export interface Frame {
  id: number | null;
  event: string;
  data: string;
}

/** Split decoded text into frames: they end with a blank line, lines with LF or CRLF, and both can be cut anywhere. */
export class FrameParser {
  #rest = "";

  /** Add text, and return the frames that it completes. Comments are signs of life and return nothing. */
  push(text: string): Frame[] {
    this.#rest += text;
    const frames: Frame[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (!end) return frames;
      const frame = parseFrame(this.#rest.slice(0, end.index));
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (frame) frames.push(frame);
    }
  }
}

function parseFrame(text: string): Frame | null {
  const frame: Frame = { id: null, event: "message", data: "" };
  const data: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    switch (line.slice(0, colon)) {
      case "id":
        frame.id = Number(value);
        break;
      case "event":
        frame.event = value;
        break;
      case "data":
        data.push(value);
    }
  }
  if (data.length === 0) return null;
  frame.data = data.join("\n");
  return frame;
}

/** Yield the frames of each read, with an empty list for a read without any, so that the caller sees signs of life. */
export async function* readFrames(body: ReadableStream<Uint8Array>): AsyncGenerator<Frame[]> {
  const decoder = new TextDecoder();
  const parser = new FrameParser();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
