import styles from "./conversation.module.css";
import { words } from "./words.en";

/** The reasoning of a model, closed: it is no part of the answer. */
export function Thinking({ text, isDiscarded = false }: { text: string; isDiscarded?: boolean }) {
  return (
    <details className={styles.thinking}>
      <summary>{isDiscarded ? words.discardedThinking : words.thinking}</summary>
      {isDiscarded ? <del dir="auto">{text}</del> : <p dir="auto">{text}</p>}
    </details>
  );
}
