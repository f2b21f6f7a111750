import { Link } from "wouter";
import { words } from "@/words";
import { CopyButton } from "./CopyButton";
import styles from "./IdLink.module.css";
import { findPage } from "./ids";

/** An id, shortened, with a link to its page if it has one. */
export function IdLink({ id, canCopy = false }: { id: string; canCopy?: boolean }) {
  const page = findPage(id);
  const short = id.length > 16 ? `${id.slice(0, id.indexOf("_") + 7)}…` : id;
  return (
    <span className={styles.id} title={id}>
      {page ? <Link href={page}>{short}</Link> : short}
      {canCopy && <CopyButton text={id} label={`${words.copy.copy} ${id}`} />}
    </span>
  );
}
