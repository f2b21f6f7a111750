/** Outputs of calls that the user writes: drafts, checks, and sending them together or one by one. */

import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import type { CallView } from "@/streams/view";
import type { Answer } from "./answers";

export interface Answers {
  of: (callId: string) => Answer;
  change: (callId: string, change: Partial<Answer>) => void;
  /** Send the outputs of these calls. */
  submit: (calls: CallView[]) => void;
  isSending: boolean;
  error: unknown;
}

const EMPTY: Answer = { text: "", asText: false };

export function useAnswers(runId: string): Answers {
  const [drafts, setDrafts] = useState<Record<string, Answer>>({});
  const of = (callId: string) => drafts[callId] ?? EMPTY;
  const command = useCommand((calls: CallView[], header) =>
    send(
      api.POST("/v1/runs/{run_id}/submit_tool_outputs", {
        params: { path: { run_id: runId }, header },
        body: { tool_outputs: calls.map(({ id }) => ({ tool_call_id: id, output: of(id).text })) },
      }),
    ),
  );
  return {
    of,
    change: (callId, change) =>
      setDrafts((before) => ({ ...before, [callId]: { ...(before[callId] ?? EMPTY), ...change } })),
    submit: command.run,
    isSending: command.isRunning,
    error: command.error,
  };
}
