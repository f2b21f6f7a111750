import { words } from "@/words";
import { IconButton } from "./Button";
import { classes } from "./classes";
import styles from "./Notices.module.css";
import { dismiss, useNotices } from "./notices";

/** The status line of the page. */
export function Notices() {
  return (
    <div role="status" aria-live="polite" className={styles.stack}>
      {useNotices().map(({ id, text, tone }) =>
        tone === "quiet" ? (
          <span key={id} className="quiet">
            {text}
          </span>
        ) : (
          <div key={id} className={classes(styles.notice, tone === "bad" && styles.bad)}>
            <span>{text}</span>
            <IconButton size="small" icon="close" label={words.dialog.close} onClick={() => dismiss(id)} />
          </div>
        ),
      )}
    </div>
  );
}
