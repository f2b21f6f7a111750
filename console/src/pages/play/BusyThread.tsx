import { Button, LinkButton } from "@/components/Button";
import { words } from "@/components/conversation/words.en";
import { ErrorBox } from "@/components/ErrorBox";
import { words as shared } from "@/words";
import styles from "./play.module.css";

interface BusyThreadProps {
  error: unknown;
  /** The run that is open, if that is why no run was started. */
  runId: string | null;
  onStart: (onBusy: "reject" | "queue" | "interrupt") => void;
}

/** A message that is stored without a run: what can be done about it. */
export function BusyThread({ error, runId, onStart }: BusyThreadProps) {
  if (runId === null) {
    return (
      <div className={styles.busy}>
        <p>{words.startAgain}</p>
        <ErrorBox error={error} />
        <Button size="small" onClick={() => onStart("reject")}>
          {shared.error.retry}
        </Button>
      </div>
    );
  }
  return (
    <div className={styles.busy} role="alert">
      <p>{words.busy.text}</p>
      <div className={styles.actions}>
        <Button size="small" kind="primary" onClick={() => onStart("queue")}>
          {words.busy.wait}
        </Button>
        <Button size="small" onClick={() => onStart("interrupt")}>
          {words.busy.interrupt}
        </Button>
        <LinkButton size="small" to={`/runs/${runId}`}>
          {words.busy.open}
        </LinkButton>
      </div>
    </div>
  );
}
