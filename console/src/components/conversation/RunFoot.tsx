import { Link } from "wouter";
import { StatusPill } from "@/components/Pill";
import { TimeAgo } from "@/components/TimeAgo";
import { formatNumber } from "@/format";
import type { RunView } from "@/streams/view";
import styles from "./conversation.module.css";
import type { Run } from "./turns";
import { words } from "./words.en";

interface RunFootProps {
  runId: string;
  view: RunView;
  run: Run | null;
  isOver: boolean;
}

/** The state of a run, what it used, and the way to its trace. */
export function RunFoot({ runId, view, run, isOver }: RunFootProps) {
  // A run that is being cancelled says so in the API; its journal has only the end.
  const isCancelling = !isOver && run?.status === "cancelling";
  const status = isCancelling ? "cancelling" : (view.status ?? run?.status ?? "queued");
  const { usage } = view;
  return (
    <>
      {isCancelling && <p className={styles.note}>{words.run.cancelling}</p>}
      {isOver && view.incompleteDetails !== null && (
        <p className={styles.note}>{words.run.incomplete(view.incompleteDetails)}</p>
      )}
      {view.unknown.length > 0 && (
        <details className={styles.thinking}>
          <summary>{words.run.unknown(view.unknown.length)}</summary>
          <pre>{JSON.stringify(view.unknown, null, 2)}</pre>
        </details>
      )}
      <p className={styles.foot}>
        <StatusPill status={status} />
        {status === "action_required" && run?.action_expires_at != null && (
          <span>
            {words.run.answerUntil} <TimeAgo time={run.action_expires_at} />
          </span>
        )}
        {usage && (
          <span>
            {words.run.usage(
              formatNumber(usage.total_tokens),
              formatNumber(usage.prompt_tokens),
              formatNumber(usage.completion_tokens),
            )}
            {usage.estimated && `, ${words.run.estimated}`}
          </span>
        )}
        <Link href={`/runs/${runId}`}>{words.openRun}</Link>
      </p>
    </>
  );
}
