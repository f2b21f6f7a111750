import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { Button } from "@/components/Button";
import { ErrorBox } from "@/components/ErrorBox";
import { Skeleton } from "@/components/List";
import styles from "./conversation.module.css";
import { History } from "./History";
import { TurnView } from "./TurnView";
import { findTail, groupTurns } from "./turns";
import { useFollow } from "./useFollow";
import { useMessages } from "./useMessages";
import { isOpen, threadRunsKey, useThreadRuns } from "./useThreadRuns";
import { words } from "./words.en";

const LOAD_AT = 400;

interface ConversationProps {
  threadId: string | null;
  /** Counts messages that this page has sent: each begins a new turn at the top. */
  sent?: number;
  /** Shown while there is no message. */
  empty: ReactNode;
  /** Below the messages: the composer. */
  children?: ReactNode;
}

/** The messages of a thread, with its open runs live at the end. */
export function Conversation({ threadId, sent = 0, empty, children }: ConversationProps) {
  const client = useQueryClient();
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { messages, hasOlder, isLoadingOlder, error, refresh, loadOlder } = useMessages(threadId);
  const { runs, isLoading } = useThreadRuns(threadId);
  const { isFollowing, toEnd, release } = useFollow(scroller, content);
  const isRunning = runs.some(isOpen);
  const journaled = useJournaled(runs.map(({ id }) => id));
  const turns = useMemo(() => groupTurns(messages ?? [], runs), [messages, runs]);
  const tail = findTail(turns);
  const newestRun = runs.at(-1)?.id;
  useScrollKeys(toEnd, release);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a message that was sent and a run that was started are news.
  useEffect(() => {
    void refresh();
  }, [refresh, sent, newestRun]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: after sending, the answer must be in view.
  useEffect(() => toEnd(), [toEnd, sent]);

  const onScroll = () => {
    if (hasOlder && !isLoadingOlder && (scroller.current?.scrollTop ?? LOAD_AT) < LOAD_AT) void loadOlder();
  };
  const onEnd = useCallback(() => {
    void client.invalidateQueries({ queryKey: threadRunsKey(threadId) });
    void refresh();
  }, [client, threadId, refresh]);
  const isReady = messages !== undefined && !isLoading;
  return (
    <div className={styles.conversation}>
      <div
        ref={scroller}
        className={styles.scroller}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-busy={isRunning}
        aria-label={words.log}
      >
        <div ref={content} className={styles.content}>
          {error != null && <ErrorBox error={error} onRetry={() => void refresh()} />}
          {!isReady && !error && <Skeleton />}
          {isReady && turns.length === 0 && empty}
          {isReady && hasOlder && (
            <Button
              kind="plain"
              size="small"
              className={styles.older}
              isBusy={isLoadingOlder}
              onClick={() => void loadOlder()}
            >
              {isLoadingOlder ? words.loadingOlder : words.older}
            </Button>
          )}
          {isReady && threadId !== null && tail > 0 && (
            <History turns={turns.slice(0, tail)} threadId={threadId} scroller={scroller} journaled={journaled} />
          )}
          {isReady && threadId !== null && tail < turns.length && (
            <div className={sent > 0 ? styles.newTail : styles.tail}>
              {turns.slice(tail).map((turn) => (
                <TurnView
                  key={turn.key}
                  turn={turn}
                  threadId={threadId}
                  hasJournal={turn.kind === "answer" && turn.run !== null}
                  onEnd={onEnd}
                />
              ))}
            </div>
          )}
        </div>
      </div>
      <div className={styles.dock}>
        {!isFollowing && (
          <Button size="small" icon="down" className={styles.newest} onClick={toEnd}>
            {words.newest}
          </Button>
        )}
        {children}
      </div>
    </div>
  );
}

/** Runs that were live here. */
function useJournaled(live: string[]): ReadonlySet<string> {
  const seen = useRef(new Set<string>());
  for (const id of live) seen.current.add(id);
  return seen.current;
}

/** End goes to the newest message, Escape stops following. */
function useScrollKeys(toEnd: () => void, release: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const isTyping = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key === "End" && !isTyping) toEnd();
      if (event.key === "Escape") release();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [toEnd, release]);
}
