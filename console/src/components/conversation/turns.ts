/** Groups the messages of a thread into questions and answers. */

import type { components } from "@/api/schema";

export type Message = components["schemas"]["Message"];
export type Run = components["schemas"]["Run"];

/** A message of a user, or what one run has answered; a run that is followed has no stored messages here yet. */
export type Turn =
  | { kind: "question"; key: string; message: Message }
  | { kind: "answer"; key: string; runId: string | null; messages: Message[]; run: Run | null };

/** Group messages, the oldest first. The answers of `live` runs stand where their first message is, or at the end. */
export function groupTurns(messages: Message[], live: Run[]): Turn[] {
  const followed = new Map(live.map((run) => [run.id, run]));
  const placed = new Set<string>();
  const turns: Turn[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    const runId = message.run_id ?? null;
    if (message.role === "user") turns.push({ kind: "question", key: message.id, message });
    else if (last?.kind === "answer" && last.runId === runId) last.messages.push(message);
    else if (runId === null || !placed.has(runId)) {
      if (runId !== null) placed.add(runId);
      const run = (runId !== null && followed.get(runId)) || null;
      turns.push({ kind: "answer", key: runId ?? message.id, runId, messages: [message], run });
    } else if (!followed.has(runId)) {
      turns.push({ kind: "answer", key: message.id, runId, messages: [message], run: null });
    }
  }
  for (const run of live) {
    if (!placed.has(run.id)) turns.push({ kind: "answer", key: run.id, runId: run.id, messages: [], run });
  }
  return turns;
}

/** The index of the question that the first live answer belongs to: from there on, turns are not virtual. */
export function findTail(turns: Turn[]): number {
  const live = turns.findIndex((turn) => turn.kind === "answer" && turn.run !== null);
  if (live < 0) return turns.length;
  return live > 0 && turns[live - 1]?.kind === "question" ? live - 1 : live;
}

/** The text of a message, without its images. */
export function readText(message: Message): string {
  if (typeof message.content === "string") return message.content;
  const texts = message.content.filter((block) => block.type === "text").map((block) => block.text);
  return texts.filter((text) => typeof text === "string").join("\n\n");
}
