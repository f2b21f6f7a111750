/** What a run looks like after the events so far. */

import type { Annotation, DataOf, OutputStream, RunStatus, RunUsage, UnknownEvent } from "./events";

export interface MessageView {
  id: string;
  text: string;
  refusal: string;
  /** `discarded`: the model was asked again, and its text is void. */
  state: "writing" | "completed" | "incomplete" | "discarded";
  attachments: Record<string, unknown>[];
  citations: Annotation[];
  removedCitations: number;
}

export interface OutputPart {
  stream: OutputStream;
  content: string;
}

export interface CallView {
  id: string;
  name: string;
  /** The tool of the platform that runs it, null if the caller answers or it is not known yet. */
  tool: string | null;
  actionId: string | null;
  /** Raw text while the model writes. */
  argumentsText: string;
  args: Record<string, unknown> | null;
  /** `gated`: a person must approve it. `asks`: the run waits for the caller's output. */
  state: "writing" | "gated" | "approved" | "denied" | "asks" | "running" | "done" | "failed" | "unknown" | "discarded";
  code: string;
  output: OutputPart[];
  files: DataOf<"file">[];
  sandbox: DataOf<"sandbox"> | null;
  result: string | null;
  /** What a person is asked while it is `gated`. */
  approval: DataOf<"approval_required"> | null;
}

/** One thing in the order in which it appeared. Reasoning belongs to a turn of the model, and is void with it. */
export type Item =
  | { kind: "message"; id: string }
  | { kind: "reasoning"; position: number; text: string; state: "open" | "closed" | "discarded" }
  | { kind: "call"; id: string }
  | { kind: "warning"; position: number; warning: DataOf<"warning"> }
  | { kind: "retry"; position: number; retry: DataOf<"retry"> }
  | { kind: "error"; position: number; error: DataOf<"error"> };

export interface RunView {
  /** The position of the last event. */
  position: number;
  status: RunStatus | null;
  usage: RunUsage | null;
  incompleteDetails: string | null;
  items: Item[];
  messages: Record<string, MessageView>;
  calls: Record<string, CallView>;
  /** The message that `content` belongs to, and the call that `call_arguments` belong to. */
  openMessage: string | null;
  openCall: string | null;
  error: DataOf<"error"> | null;
  /** Why the stream ended before the run: access was lost. */
  ended: DataOf<"error"> | null;
  /** Events of types that this console does not know. */
  unknown: UnknownEvent[];
}

export const EMPTY_VIEW: RunView = {
  position: 0,
  status: null,
  usage: null,
  incompleteDetails: null,
  items: [],
  messages: {},
  calls: {},
  openMessage: null,
  openCall: null,
  error: null,
  ended: null,
  unknown: [],
};

const FINAL: ReadonlySet<string> = new Set(["completed", "incomplete", "failed", "cancelled", "expired"]);

/** Whether a run with this status is over. */
export function isFinal(status: string | null | undefined): boolean {
  return FINAL.has(status ?? "");
}

/** The calls that the run waits for. */
export function findOpenCalls(view: RunView): CallView[] {
  return Object.values(view.calls).filter((call) => call.state === "asks");
}
