import { type ReactNode, useEffect, useState } from "react";
import { words } from "@/words";
import { Button } from "./Button";
import { classes } from "./classes";
import { Dialog } from "./Dialog";
import type { IconName } from "./Icon";
import styles from "./SplitPage.module.css";

interface SplitPageProps {
  title: string;
  /** Below the title. */
  facts?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  side: { title: string; button: string; icon: IconName; content: ReactNode; isNarrow?: boolean };
}

/** A page of the height of the window: a conversation and a side, which small screens show in a dialog. */
export function SplitPage({ title, facts, actions, children, side }: SplitPageProps) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    document.title = words.consoleTitle(title);
  }, [title]);
  return (
    <div className={classes(styles.page, side.isNarrow && styles.narrow)}>
      <header className={styles.head}>
        <div className={styles.title}>
          <h1 tabIndex={-1} dir="auto">
            {title}
          </h1>
          {facts}
        </div>
        <div className={styles.actions}>
          {actions}
          <Button size="small" icon={side.icon} className={styles.sideButton} onClick={() => setOpen(true)}>
            {side.button}
          </Button>
        </div>
      </header>
      <div className={styles.conversation}>{children}</div>
      <aside className={styles.side} aria-label={side.title}>
        {side.content}
      </aside>
      <Dialog title={side.title} isOpen={isOpen} onClose={() => setOpen(false)}>
        {side.content}
      </Dialog>
    </div>
  );
}
