import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { Button } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { SelectField, TextField } from "@/components/Form";
import { Section } from "@/components/Page";
import type { RunEvent } from "@/streams/events";
import { findRow, type JournalRow, toRows } from "./journal";
import styles from "./runs.module.css";
import { words } from "./words.en";

const ROW_PX = 32;

/** The events of a run. Only rows in view are in the page, so that 50,000 events scroll. */
export function Journal({ events }: { events: RunEvent[] }) {
  const [type, setType] = useState<string | null>(null);
  const [selected, setSelected] = useState<number | null>(readPosition);
  const [wanted, setWanted] = useState("");
  const rows = useMemo(() => toRows(events, type), [events, type]);
  const types = useMemo(() => [...new Set(events.map((event) => event.type))].sort(), [events]);
  const byPosition = selected === null ? undefined : rows[findRow(rows, selected)];

  useEffect(() => {
    const onHash = () => setSelected(readPosition());
    window.addEventListener("hashchange", onHash);
    return () => window.removeEventListener("hashchange", onHash);
  }, []);
  const select = (position: number) => {
    window.history.replaceState(null, "", `#p=${position}`);
    setSelected(position);
  };

  return (
    <Section title={words.journal}>
      <p className={styles.hint}>
        {words.positions(events.length)}. {words.journalHint}
      </p>
      <form
        className={styles.filters}
        onSubmit={(event) => {
          event.preventDefault();
          if (/^\d+$/.test(wanted)) select(Number(wanted));
        }}
      >
        <SelectField
          name="type"
          label={words.type}
          value={type ?? ""}
          onChange={({ target }) => setType(target.value || null)}
        >
          <option value="">{words.allTypes}</option>
          {types.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </SelectField>
        <TextField
          name="position"
          label={words.jump}
          inputMode="numeric"
          value={wanted}
          onChange={({ target }) => setWanted(target.value)}
        />
        <Button type="submit">{words.go}</Button>
      </form>
      {rows.length === 0 ? <p>{words.noEvents}</p> : <Rows rows={rows} selected={selected} onSelect={select} />}
      {byPosition && <CodeBlock code={JSON.stringify(byPosition.event, null, 2)} language="json" />}
    </Section>
  );
}

interface RowsProps {
  rows: JournalRow[];
  selected: number | null;
  onSelect: (position: number) => void;
}

function Rows({ rows, selected, onSelect }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const index = selected === null ? -1 : findRow(rows, selected);
  useEffect(() => {
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
  }, [index, virtual]);

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section ref={scroller} className={styles.journal} tabIndex={0} aria-label={words.event}>
      <ol style={{ blockSize: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <li
              key={item.key}
              aria-setsize={rows.length}
              aria-posinset={item.index + 1}
              style={{ transform: `translateY(${item.start}px)`, blockSize: ROW_PX }}
            >
              <button
                type="button"
                aria-current={item.index === index || undefined}
                onClick={() => onSelect(row.first)}
              >
                <span className={styles.position}>{row.first}</span>
                <code className={styles.type}>{row.type}</code>
                <span className={styles.text}>
                  {row.count > 1 && `${words.pieces(row.count)} · `}
                  {row.text}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function readPosition(): number | null {
  const found = /^#p=(\d+)$/.exec(window.location.hash)?.[1];
  return found === undefined ? null : Number(found);
}
