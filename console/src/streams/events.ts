/** Events of a run's journal, as the server streams them (`docs/streaming.md`). */

import type { components } from "@/api/schema";

export type RunStatus = components["schemas"]["Run"]["status"];
export type RunUsage = components["schemas"]["RunUsage"];

export interface Annotation {
  type: string;
  text: string;
  start_index: number;
  end_index: number;
  part?: number;
  file_citation?: Record<string, unknown> | null;
  url_citation?: Record<string, unknown> | null;
  file_path?: Record<string, unknown> | null;
}

interface EventData {
  status: { status: RunStatus; usage?: RunUsage | null; incomplete_details?: string | null };
  message_created: { message_id: string };
  content: { content: string };
  refusal: { content: string };
  reasoning: { content: string };
  call_created: { tool_call_id: string; name: string };
  call_arguments: { content: string };
  message_discarded: { message_id: string };
  message_completed: {
    message_id: string;
    status?: "completed" | "incomplete";
    attachments?: Record<string, unknown>[];
    annotations?: Annotation[];
    removed_citations?: number;
  };
  citation: { message_id: string; annotation: Annotation };
  tool_call_manifest: { action_id: string; tool_call_id: string; tool: string; args: Record<string, unknown> };
  approval_required: {
    approval_id: string;
    action_id: string;
    tool_call_id: string;
    tool: string;
    name: string;
    args: Record<string, unknown>;
    arguments: string;
    effect: "read" | "idempotent" | "unsafe";
    reason: string;
    expires_at: number;
    digest: string;
  };
  approval_decided: {
    approval_id: string;
    tool_call_id: string;
    verdict: "approved" | "denied";
    by: string;
    note?: string;
    arguments?: string | null;
  };
  tool_started: { action_id: string; tool_call_id: string; tool: string; name: string };
  code: { tool_call_id: string; content: string };
  output: { tool_call_id: string; stream: OutputStream; content: string };
  file: {
    tool_call_id: string;
    tool: string;
    file_id: string;
    filename: string;
    mime_type: string;
    size: number;
    url: string;
  };
  sandbox: {
    tool_call_id: string;
    state: "waiting" | "started" | "lost";
    kind?: string | null;
    level?: string | null;
    message?: string | null;
  };
  tool_output: { tool_call_id: string; output: string; error?: boolean; outcome?: "unknown" | null };
  warning: { code: string; message: string };
  retry: { attempt: number; delay_s: number; error: { code: string; message: string } };
  error: { code: string; message: string; content?: string };
}

export type OutputStream = "stdout" | "stderr" | "result" | "terminal";
export type EventType = keyof EventData;
export type KnownEvent = { [T in EventType]: { id: number | null; type: T; at?: number } & EventData[T] }[EventType];
export type DataOf<T extends EventType> = EventData[T];

/** An event of a type that this console does not know. */
export interface UnknownEvent {
  id: number | null;
  type: string;
  at?: number;
  [field: string]: unknown;
}

/** An event of a run: `id` is its position, null on the event that ends a stream before its run. */
export type RunEvent = KnownEvent | UnknownEvent;
