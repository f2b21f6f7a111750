import { type ReactNode, useEffect, useId } from "react";
import { words } from "@/words";
import styles from "./Page.module.css";

interface PageProps {
  title: string;
  /** One sentence on what the page is for. */
  intro?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

/** A page with its heading, which also is the title of the tab. */
export function Page({ title, intro, actions, children }: PageProps) {
  useEffect(() => {
    document.title = words.consoleTitle(title);
  }, [title]);
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {intro && <p className={styles.intro}>{intro}</p>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </div>
  );
}

/** A part of a page with a heading. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={styles.section}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}
