import { useId } from "react";
import { CopyButton } from "./CopyButton";
import styles from "./SecretBox.module.css";

/** A secret that is shown once, selected by a press, with a button that copies it. */
export function SecretBox({ label, secret }: { label: string; secret: string }) {
  const id = useId();
  return (
    <div className={styles.box}>
      <label htmlFor={id}>{label}</label>
      <input id={id} readOnly value={secret} spellCheck={false} onFocus={(event) => event.target.select()} />
      <CopyButton text={secret} hasText />
    </div>
  );
}
