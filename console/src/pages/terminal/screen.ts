/** The screen of a terminal. Loaded with the page, because xterm.js is large. */

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";

const SCROLLBACK = 10_000;
const THEME = {
  background: "#101413",
  foreground: "#e6e9e6",
  cursor: "#101413",
  black: "#5c6662",
  red: "#f39c92",
  green: "#82d39c",
  yellow: "#e8bd72",
  blue: "#97c2f2",
  magenta: "#d3a6ee",
  cyan: "#74cfbe",
  white: "#e6e9e6",
  brightBlack: "#8b9691",
  brightRed: "#ffb4ab",
  brightGreen: "#a2e8b8",
  brightYellow: "#f6d493",
  brightBlue: "#b9d7f8",
  brightMagenta: "#e4c5f7",
  brightCyan: "#98e2d4",
  brightWhite: "#ffffff",
};

export interface ScreenOptions {
  fontSize: number;
  isReaderMode: boolean;
}

/** xterm.js sets `style` attributes of cells that have a color of their own; the policy of the page allows only CSSOM. */
HTMLSpanElement.prototype.setAttribute = function setAttribute(name: string, value: string) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

/** A terminal that only shows. */
export class Screen {
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly observer = new ResizeObserver(() => this.fit.fit());
  private pending: string[] = [];
  private frame = 0;

  constructor(element: HTMLElement, { fontSize, isReaderMode }: ScreenOptions) {
    this.terminal = new Terminal({
      disableStdin: true,
      cursorInactiveStyle: "none",
      cursorBlink: false,
      fontSize,
      screenReaderMode: isReaderMode,
      scrollback: SCROLLBACK,
      convertEol: false,
      minimumContrastRatio: 4.5,
      fontFamily: getComputedStyle(element).getPropertyValue("--mono"),
      theme: THEME,
    });
    this.terminal.loadAddon(this.fit);
    withNonce(() => this.terminal.open(element));
    // The page has its own shortcuts, and Tab must leave the terminal.
    this.terminal.attachCustomKeyEventHandler(() => false);
    this.fit.fit();
    this.observer.observe(element);
  }

  /** Show output; what arrives within a frame is written at once. */
  write(text: string): void {
    this.pending.push(text);
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.terminal.write(this.pending.join(""));
      this.pending = [];
    });
  }

  /** Show a line of the page's own, which no program can have printed in this color. */
  writeNotice(text: string): void {
    this.write(`\r\n\x1b[0;7m${text}\x1b[0m\r\n`);
  }

  setOptions({ fontSize, isReaderMode }: ScreenOptions): void {
    withNonce(() => {
      this.terminal.options.fontSize = fontSize;
      this.terminal.options.screenReaderMode = isReaderMode;
    });
    this.fit.fit();
  }

  /** Return the buffer as text, with wrapped lines joined. */
  readText(): string {
    const buffer = this.terminal.buffer.active;
    let text = "";
    for (let index = 0; index < buffer.length; index += 1) {
      const line = buffer.getLine(index);
      if (!line) continue;
      const isContinued = buffer.getLine(index + 1)?.isWrapped ?? false;
      text += line.translateToString(!isContinued) + (isContinued ? "" : "\n");
    }
    return `${text.trimEnd()}\n`;
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.terminal.dispose();
  }
}

/** Run something that makes style elements: the policy of the page wants its nonce, which xterm.js cannot set. */
function withNonce(run: () => void): void {
  const nonce = document.querySelector<HTMLElement>("script[nonce], meta[nonce]")?.nonce ?? "";
  const create = Document.prototype.createElement;
  document.createElement = function createElement(this: Document, name: string, options?: ElementCreationOptions) {
    const element = create.call(this, name, options);
    // Before it is inserted: afterwards is too late.
    if (name === "style") element.nonce = nonce;
    return element;
  } as typeof create;
  try {
    run();
  } finally {
    document.createElement = create;
  }
}
