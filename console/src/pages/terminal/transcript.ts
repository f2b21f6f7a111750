/** What of the terminal's output is new: after a reconnect, the server sends again what it has kept. */

export interface ShellOutput {
  type: "shell_output";
  content: string;
  /** The offset of its end, in bytes since the shell started. */
  position: number;
  /** Bytes before it that were not kept. */
  lost: number;
}

export interface NewOutput {
  text: string;
  /** Bytes that are missing before the text. */
  lost: number;
  /** The text is from another shell than the output before. */
  isNewShell: boolean;
}

const KEPT_CHARACTERS = 1 << 20;
const TAIL = 256;
const encoder = new TextEncoder();

/** The output so far. Positions alone do not suffice: another shell counts from 0 again. */
export class Transcript {
  private text = "";
  private end = 0;
  private isReplay = false;

  /** The next frames begin with output that may be known. */
  reconnect(): void {
    this.isReplay = this.text !== "";
  }

  /** Return what is new in a frame, null if nothing is. */
  accept({ content, position, lost }: ShellOutput): NewOutput | null {
    const before = this.end;
    if (!this.isReplay) return this.add(content, position, lost, position <= before && this.text !== "");
    if (position <= before && this.text.includes(content)) {
      this.isReplay = position < before;
      return null;
    }
    this.isReplay = false;
    const known = position > before ? countKnown(this.text, content) : 0;
    if (known > 0) return this.add(content.slice(known), position, lost, false);
    const gap = position - encoder.encode(content).length - before;
    return gap > 0 ? this.add(content, position, gap, false) : this.add(content, position, lost, true);
  }

  private add(text: string, position: number, lost: number, isNewShell: boolean): NewOutput {
    this.text = ((isNewShell ? "" : this.text) + text).slice(-KEPT_CHARACTERS);
    this.end = position;
    return { text, lost, isNewShell };
  }
}

/** How many characters at the beginning of `content` the text ends with; 0 if they do not meet. */
function countKnown(text: string, content: string): number {
  const tail = text.slice(-TAIL);
  const at = content.lastIndexOf(tail);
  return at < 0 ? 0 : at + tail.length;
}
