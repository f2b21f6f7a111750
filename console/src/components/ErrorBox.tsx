import { useEffect, useState } from "react";
import { ApiError, ServerAway } from "@/api/errors";
import { words } from "@/words";
import { Button } from "./Button";
import styles from "./ErrorBox.module.css";

/** An error in the server's words, with its code and the id of the request. */
export function ErrorBox({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const wait = useCountdown(error instanceof ApiError && error.status === 429 ? (error.retryAfter ?? 0) : 0);
  return (
    <div role="alert" className={styles.box}>
      <p>{wait > 0 ? words.error.rateLimited(wait) : describeError(error)}</p>
      {error instanceof ApiError && (
        <p className={styles.facts}>
          <code>{error.code}</code>
          {error.param !== null && (
            <>
              {" · "}
              <code>{error.param}</code>
            </>
          )}
          {error.requestId !== null && (
            <>
              {` · ${words.error.request} `}
              <code>{error.requestId}</code>
            </>
          )}
        </p>
      )}
      {onRetry && (
        <Button size="small" onClick={onRetry} disabled={wait > 0}>
          {words.error.retry}
        </Button>
      )}
    </div>
  );
}

/** What went wrong, in a sentence. */
export function describeError(error: unknown): string {
  if (error instanceof ServerAway) return words.error.away;
  if (error instanceof ApiError && error.code === "admin_only") return words.error.admin;
  if (error instanceof ApiError && error.status === 404 && error.code !== "route_not_found")
    return `${words.error.gone} ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

/** Seconds that remain. */
function useCountdown(seconds: number): number {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    setLeft(seconds);
    if (seconds <= 0) return;
    const timer = setInterval(() => setLeft((before) => Math.max(before - 1, 0)), 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return left;
}
