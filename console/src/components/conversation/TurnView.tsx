import { memo, useState } from "react";
import { Link } from "wouter";
import { Button } from "@/components/Button";
import { StatusPill } from "@/components/Pill";
import { TimeAgo } from "@/components/TimeAgo";
import type { Annotation } from "@/streams/events";
import { Cited } from "./Cited";
import styles from "./conversation.module.css";
import { Files, type ShownFile, toShownFile } from "./Files";
import { RunAnswer } from "./RunAnswer";
import { Thinking } from "./Thinking";
import { type Message, type Run, readText, type Turn } from "./turns";
import { words } from "./words.en";

interface TurnViewProps {
  turn: Turn;
  threadId: string;
  /** Show the journal of the run, not only what is stored of it. */
  hasJournal: boolean;
  onEnd?: (() => void) | undefined;
}

/** A question or an answer. */
export const TurnView = memo(function TurnView({ turn, threadId, hasJournal, onEnd }: TurnViewProps) {
  if (turn.kind === "question") return <Question message={turn.message} />;
  const text = turn.messages.map((message) => (message.role === "assistant" ? readText(message) : "")).join("\n\n");
  return (
    <article aria-label={words.assistant} className={styles.turn} data-row data-copy={text.trim()} tabIndex={-1}>
      {turn.run?.waits_for_thread ? (
        <Waiting run={turn.run} />
      ) : turn.runId !== null && hasJournal ? (
        <RunAnswer runId={turn.runId} threadId={threadId} run={turn.run} onEnd={turn.run ? onEnd : undefined} />
      ) : (
        <StoredAnswer turn={turn} threadId={threadId} />
      )}
    </article>
  );
});

/** A run that waits for another one of its thread has written nothing: it is polled, without a stream. */
function Waiting({ run }: { run: Run }) {
  return (
    <p className={styles.foot}>
      <StatusPill status={run.status} />
      <span>{words.run.waits}</span>
      <Link href={`/runs/${run.id}`}>{words.openRun}</Link>
    </p>
  );
}

function Question({ message }: { message: Message }) {
  const text = readText(message);
  return (
    <article aria-label={words.you} className={styles.question} data-row data-copy={text} tabIndex={-1}>
      <div className={styles.bubble} dir="auto">
        {text}
      </div>
      <Files files={listFiles(message)} />
      <span className={styles.time}>
        <TimeAgo time={message.created_at} />
      </span>
    </article>
  );
}

/** What is stored of an answer: its text, thinking, images and outputs; the journal of the run has the rest. */
function StoredAnswer({ turn, threadId }: { turn: Turn & { kind: "answer" }; threadId: string }) {
  const [isOpen, setOpen] = useState(false);
  const { runId } = turn;
  if (isOpen && runId !== null) return <RunAnswer runId={runId} threadId={threadId} run={null} />;
  return (
    <>
      {turn.messages.map((message) => (
        <StoredMessage key={message.id} message={message} />
      ))}
      {runId !== null && (
        <p className={styles.foot}>
          <Button kind="plain" size="small" onClick={() => setOpen(true)}>
            {words.showWork}
          </Button>
          <Link href={`/runs/${runId}`}>{words.openRun}</Link>
        </p>
      )}
    </>
  );
}

function StoredMessage({ message }: { message: Message }) {
  const text = readText(message);
  if (message.role === "tool") {
    return (
      <details className={styles.thinking}>
        <summary>{words.toolOutput}</summary>
        <p dir="auto">{text}</p>
      </details>
    );
  }
  return (
    <div className={styles.text}>
      {message.role !== "assistant" && <p className={styles.note}>{words.system}</p>}
      {message.reasoning && <Thinking text={message.reasoning} />}
      <Cited text={text} annotations={message.annotations as Annotation[]} />
      <Files files={listFiles(message)} />
      {message.status === "incomplete" && <p className={styles.note}>{words.incompleteMessage}</p>}
    </div>
  );
}

/** Attachments, and images that are part of the content. */
function listFiles(message: Message): ShownFile[] {
  const files = message.attachments.map(toShownFile);
  const known = new Set(files.map(({ fileId }) => fileId));
  if (typeof message.content === "string") return files;
  const images = message.content.flatMap((block) => {
    const image = block.image_file as { file_id?: string } | undefined;
    if (!image?.file_id || known.has(image.file_id)) return [];
    return [{ fileId: image.file_id, name: image.file_id, mimeType: "image/png" }];
  });
  return [...images, ...files];
}
