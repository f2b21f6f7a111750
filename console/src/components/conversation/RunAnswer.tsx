import { memo, useEffect, useRef } from "react";
import { Button } from "@/components/Button";
import { ErrorBox } from "@/components/ErrorBox";
import { announce } from "@/components/notices";
import { formatDuration } from "@/format";
import type { DataOf } from "@/streams/events";
import { useRun } from "@/streams/useRun";
import { findOpenCalls, type Item, isFinal, type MessageView, type RunView } from "@/streams/view";
import { words as shared } from "@/words";
import { findJsonError } from "./answers";
import { CallCard } from "./CallCard";
import { Cited } from "./Cited";
import styles from "./conversation.module.css";
import { Files, toShownFile } from "./Files";
import { RunFoot } from "./RunFoot";
import { Thinking } from "./Thinking";
import type { Run } from "./turns";
import { type Answers, useAnswers } from "./useAnswers";
import { words } from "./words.en";

interface RunAnswerProps {
  runId: string;
  threadId: string;
  /** The run as the API has it, if it is followed. */
  run: Run | null;
  onEnd?: (() => void) | undefined;
}

/** What a run answers, from its journal: text, thinking, calls, in the order in which they appeared. */
export const RunAnswer = memo(function RunAnswer({ runId, threadId, run, onEnd }: RunAnswerProps) {
  const { view, connection, error, isPolling } = useRun(runId);
  const answers = useAnswers(runId);
  useAnnouncements(view, onEnd);
  const open = findOpenCalls(view);
  const isOver = isFinal(view.status);
  return (
    <>
      {view.items.map((item) => (
        <ItemView key={keyOf(item)} item={item} view={view} threadId={threadId} answers={isOver ? null : answers} />
      ))}
      {open.length > 1 && <AnswerAll calls={open} answers={answers} />}
      {answers.error != null && <ErrorBox error={answers.error} />}
      {connection === "waiting" && <p className={styles.note}>{words.reconnecting}</p>}
      {isPolling && <p className={styles.note}>{words.polling}</p>}
      {connection === "failed" && <ErrorBox error={error} />}
      {view.ended && <Problem problem={view.ended} />}
      <RunFoot runId={runId} view={view} run={run} isOver={isOver} />
    </>
  );
});

/** The polite status line says what changes; the text itself is read on demand. */
function useAnnouncements(view: RunView, onEnd: (() => void) | undefined): void {
  const told = useRef(view.status);
  useEffect(() => {
    if (view.status === told.current) return;
    const before = told.current;
    told.current = view.status;
    if (view.status === "in_progress") announce(words.writing, "quiet");
    if (view.status === "action_required") announce(words.waitsForYou, "quiet");
    if (!isFinal(view.status) || view.status === null) return;
    if (before !== null) announce(words.ended(shared.status[view.status] ?? view.status), "quiet");
    onEnd?.();
  }, [view.status, onEnd]);
}

function keyOf(item: Item): string {
  return `${item.kind}-${"id" in item ? item.id : item.position}`;
}

interface ItemProps {
  item: Item;
  view: RunView;
  threadId: string;
  /** Null if the run is over, and nothing can be answered any more. */
  answers: Answers | null;
}

function ItemView({ item, view, threadId, answers }: ItemProps) {
  switch (item.kind) {
    case "message": {
      const message = view.messages[item.id];
      return message ? <MessageItem message={message} view={view} /> : null;
    }
    case "reasoning":
      return <Thinking text={item.text} isDiscarded={item.state === "discarded"} />;
    case "call": {
      const call = view.calls[item.id];
      if (!call || (call.state === "discarded" && isFinal(view.status))) return null;
      return <CallCard call={call} threadId={threadId} answers={answers} />;
    }
    case "retry":
      return <p className={styles.note}>{words.retry(item.retry.attempt, formatDuration(item.retry.delay_s))}</p>;
    case "warning":
      return <Problem problem={item.warning} isWarning />;
    case "error":
      return <Problem problem={item.error} />;
  }
}

function MessageItem({ message, view }: { message: MessageView; view: RunView }) {
  if (message.state === "discarded") {
    if (isFinal(view.status) || message.text === "") return null;
    return (
      <details className={styles.discarded}>
        <summary>{words.discarded}</summary>
        <del dir="auto">{message.text}</del>
      </details>
    );
  }
  // Images of calls are attached to the message that follows; they are shown once, where they were made.
  const shown = new Set(Object.values(view.calls).flatMap(({ files }) => files.map((file) => file.file_id)));
  const files = message.attachments.map(toShownFile).filter(({ fileId }) => !shown.has(fileId));
  return (
    <div className={styles.text}>
      <Cited text={message.text} annotations={message.citations} isComplete={message.state !== "writing"} />
      {message.refusal !== "" && (
        <p dir="auto">
          {words.refusal} {message.refusal}
        </p>
      )}
      <Files files={files} />
      {message.state === "incomplete" && <p className={styles.note}>{words.incompleteMessage}</p>}
      {message.removedCitations > 0 && (
        <p className={styles.note}>{words.removedCitations(message.removedCitations)}</p>
      )}
    </div>
  );
}

/** A warning or an error of the run, in the server's words. */
function Problem({ problem, isWarning = false }: { problem: DataOf<"warning">; isWarning?: boolean }) {
  return (
    <div className={isWarning ? styles.warning : styles.error}>
      <p dir="auto">{problem.message}</p>
      <code>{problem.code}</code>
    </div>
  );
}

/** Several calls are answered together, or one by one in their cards. */
function AnswerAll({ calls, answers }: { calls: ReturnType<typeof findOpenCalls>; answers: Answers }) {
  const isReady = calls.every(({ id }) => answers.of(id).text !== "" && findJsonError(answers.of(id)) === null);
  return (
    <div className={styles.all}>
      <span className={styles.note}>{words.call.all}</span>
      <Button kind="primary" disabled={!isReady} isBusy={answers.isSending} onClick={() => answers.submit(calls)}>
        {words.call.sendAll(calls.length)}
      </Button>
    </div>
  );
}
