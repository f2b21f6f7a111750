import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useLayoutEffect, useRef, useState } from "react";
import styles from "./conversation.module.css";
import { TurnView } from "./TurnView";
import type { Turn } from "./turns";

const ESTIMATED_HEIGHT = 180;
const GAP = 24;

interface HistoryProps {
  turns: Turn[];
  threadId: string;
  scroller: RefObject<HTMLElement | null>;
  /** Runs whose journal was shown here: they do not shrink to what is stored of them. */
  journaled: ReadonlySet<string>;
}

/** The turns before the newest: only those near the visible part are in the page. */
export function History({ turns, threadId, scroller, journaled }: HistoryProps) {
  const list = useRef<HTMLDivElement>(null);
  const [start, setStart] = useState(0);
  useLayoutEffect(() => setStart(list.current?.offsetTop ?? 0), []);
  const virtual = useVirtualizer({
    count: turns.length,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => turns[index]?.key ?? index,
    estimateSize: () => ESTIMATED_HEIGHT,
    gap: GAP,
    overscan: 3,
    scrollMargin: start,
    // Earlier turns that are put in front leave what is read where it is.
    anchorTo: "end",
  });
  return (
    <div ref={list} className={styles.history} style={{ blockSize: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ key, index, start: offset }) => {
        const turn = turns[index];
        return (
          turn && (
            <div
              key={key}
              data-index={index}
              ref={virtual.measureElement}
              className={styles.placed}
              style={{ transform: `translateY(${offset - start}px)` }}
            >
              <TurnView
                turn={turn}
                threadId={threadId}
                hasJournal={turn.kind === "answer" && turn.runId !== null && journaled.has(turn.runId)}
              />
            </div>
          )
        );
      })}
    </div>
  );
}
