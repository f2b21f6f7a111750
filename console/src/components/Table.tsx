import type { ReactNode } from "react";
import styles from "./Table.module.css";

export interface Column<T> {
  label: string;
  /** Numbers stand at the end of their column. */
  isNumber?: boolean;
  render: (row: T) => ReactNode;
}

interface TableProps<T> {
  /** The name of the table for screen readers. */
  caption: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
}

/** A table; on small screens, each row is a card. The shortcuts j and k move between `data-row` elements. */
export function Table<T>({ caption, columns, rows, keyOf }: TableProps<T>) {
  return (
    <table className={styles.table}>
      <caption className="quiet">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ label, isNumber }) => (
            <th key={label} scope="col" className={isNumber ? styles.end : undefined}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} data-row>
            {columns.map(({ label, isNumber, render }) => (
              <td key={label} data-label={label} className={isNumber ? styles.end : undefined}>
                {render(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
