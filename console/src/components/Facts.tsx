import type { ReactNode } from "react";
import styles from "./Facts.module.css";

/** The label of a fact, and its value. */
export type Fact = [label: string, value: ReactNode];

/** Facts about an object: side by side, or one below the other (`isList`). */
export function Facts({ facts, isList = false }: { facts: Fact[]; isList?: boolean }) {
  return (
    <dl className={isList ? styles.list : styles.grid}>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
