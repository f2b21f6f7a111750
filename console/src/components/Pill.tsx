import { words } from "@/words";
import { classes } from "./classes";
import styles from "./Pill.module.css";

export type Tone = "neutral" | "good" | "warn" | "bad" | "info";

const TONES: Record<string, Tone> = {
  queued: "info",
  in_progress: "info",
  cancelling: "info",
  action_required: "warn",
  incomplete: "warn",
  expired: "warn",
  failed: "bad",
  completed: "good",
};

/** A short state in words, with a color of the same meaning. */
export function Pill({ tone = "neutral", children }: { tone?: Tone; children: string }) {
  return <span className={classes(styles.pill, tone !== "neutral" && styles[tone])}>{children}</span>;
}

/** The status of a run, a file or a delivery. */
export function StatusPill({ status }: { status: string }) {
  return <Pill tone={TONES[status] ?? "neutral"}>{words.status[status] ?? status.replaceAll("_", " ")}</Pill>;
}
