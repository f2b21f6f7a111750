import type { Piece } from "./marks";
import styles from "./stores.module.css";

/** Text of a chunk with marked pieces. */
export function MarkedText({ pieces }: { pieces: Piece[] }) {
  return (
    <p className={styles.text} dir="auto">
      {pieces.map(({ text, isMarked, start }) =>
        isMarked ? <mark key={start}>{text}</mark> : <span key={start}>{text}</span>,
      )}
    </p>
  );
}
