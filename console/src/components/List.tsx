import type { ReactNode } from "react";
import { formatClock } from "@/format";
import { words } from "@/words";
import { Button } from "./Button";
import { CodeBlock } from "./CodeBlock";
import { ErrorBox } from "./ErrorBox";
import styles from "./List.module.css";

interface ListProps<T> {
  /** What `useList` returns. */
  list: {
    items: T[] | undefined;
    error: unknown;
    updatedAt: number;
    hasMore: boolean;
    isLoadingMore: boolean;
    loadMore: () => void;
    reload: () => void;
  };
  empty: ReactNode;
  children: (items: T[]) => ReactNode;
}

/** A list in one of its five states: loading, empty, error, partial (stale, since the server is away), full. */
export function List<T>({ list, empty, children }: ListProps<T>) {
  if (list.items === undefined) {
    return list.error ? <ErrorBox error={list.error} onRetry={list.reload} /> : <Skeleton />;
  }
  return (
    <>
      {list.error != null && <p className={styles.stale}>{words.list.stale(formatClock(new Date(list.updatedAt)))}</p>}
      {list.items.length === 0 ? empty : children(list.items)}
      {list.items.length > 0 && (
        <div className={styles.foot}>
          <span>{words.list.shown(list.items.length)}</span>
          {list.hasMore && (
            <Button size="small" isBusy={list.isLoadingMore} onClick={list.loadMore}>
              {list.isLoadingMore ? words.list.loadingMore : words.list.more}
            </Button>
          )}
        </div>
      )}
    </>
  );
}

/** Bars in place of content; they appear only if loading takes a while. */
export function Skeleton({ lines = 4 }: { lines?: number }) {
  return (
    <div className={styles.skeleton}>
      <p className="quiet">{words.list.loading}</p>
      {Array.from({ length: lines }, (_, line) => `line-${line}`).map((key) => (
        <span key={key} />
      ))}
    </div>
  );
}

/** An empty list: what it is for, what to do, and code that fills it. */
export function EmptyState({ text, action, code }: { text: string; action?: ReactNode; code?: string }) {
  return (
    <div className={styles.empty}>
      <p>{text}</p>
      {action}
      {code !== undefined && <CodeBlock code={code} language="python" />}
    </div>
  );
}
