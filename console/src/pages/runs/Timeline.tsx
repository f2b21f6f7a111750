import { type KeyboardEvent, useMemo, useState } from "react";
import { CodeBlock } from "@/components/CodeBlock";
import { classes } from "@/components/classes";
import { Section } from "@/components/Page";
import { type Column, Table } from "@/components/Table";
import { formatDuration } from "@/format";
import type { RunEvent } from "@/streams/events";
import type { RunView } from "@/streams/view";
import { describeCost, describeTokens } from "./run";
import styles from "./runs.module.css";
import { findUsage, type Step } from "./Steps";
import { type Timeline as Built, buildTimeline, type TimelineRow } from "./timeline";
import { words } from "./words.en";

interface TimelineProps {
  events: RunEvent[];
  view: RunView;
  steps: Step[];
}

/** Turns, calls and waits as bars, and the same numbers as a table. */
export function Timeline({ events, view, steps }: TimelineProps) {
  const timeline = useMemo(() => buildTimeline(events), [events]);
  return (
    <Section title={words.timeline}>
      {timeline.rows.length === 0 ? (
        <p>{words.noTimeline}</p>
      ) : (
        <>
          <p className={styles.hint}>
            {words.timelineHint} {!timeline.hasTimes && words.noTimes}
          </p>
          <Bars timeline={timeline} view={view} />
          <details>
            <summary>{words.asTable}</summary>
            <Table
              caption={words.timeline}
              columns={toColumns(timeline, steps)}
              rows={timeline.rows}
              keyOf={({ key }) => key}
            />
          </details>
        </>
      )}
    </Section>
  );
}

function Bars({ timeline, view }: { timeline: Built; view: RunView }) {
  const [active, setActive] = useState(0);
  const [open, setOpen] = useState<string | null>(null);
  const { rows } = timeline;
  const opened = rows.find(({ key }) => key === open);

  const onKeyDown = (event: KeyboardEvent<HTMLTableElement>) => {
    const target = targetOf(event.key, active, rows.length);
    if (event.key === "Enter" && rows[active]) setOpen(rows[active].key === open ? null : rows[active].key);
    else if (target === null) return;
    else {
      setActive(target);
      event.currentTarget.querySelectorAll<HTMLElement>("tbody tr")[target]?.focus();
    }
    event.preventDefault();
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a treegrid is a table that takes keys. */}
      <table role="treegrid" aria-label={words.timeline} className={styles.bars} onKeyDown={onKeyDown}>
        <thead className="quiet">
          <tr>
            <th scope="col">{words.row}</th>
            <th scope="col">{words.timeline}</th>
            <th scope="col">{words.length}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr
              key={row.key}
              aria-level={row.level}
              aria-selected={row.key === open}
              tabIndex={index === active ? 0 : -1}
              onFocus={() => setActive(index)}
              onClick={() => setOpen(row.key === open ? null : row.key)}
            >
              <td className={classes(styles.name, styles[`level${row.level}`])}>{nameOf(row)}</td>
              <td className={styles.track}>
                <Bar row={row} timeline={timeline} />
              </td>
              <td className={styles.length}>{lengthOf(row, timeline)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {opened && <CodeBlock code={JSON.stringify(contentOf(opened, view), null, 2)} language="json" />}
    </>
  );
}

function Bar({ row, timeline }: { row: TimelineRow; timeline: Built }) {
  const whole = Math.max(timeline.end - timeline.start, 1e-3);
  const at = (time: number) => `${((time - timeline.start) / whole) * 100}%`;
  return (
    <div className={styles.lane}>
      <span
        className={classes(styles.bar, styles[row.kind])}
        style={{ insetInlineStart: at(row.start), inlineSize: `${((row.end - row.start) / whole) * 100}%` }}
      />
      {row.marks.map((mark) => (
        <span
          key={`${mark.kind}-${mark.at}`}
          className={classes(styles.mark, styles[mark.kind])}
          style={{ insetInlineStart: at(mark.at) }}
          title={words.mark[mark.kind]}
        />
      ))}
    </div>
  );
}

function targetOf(key: string, active: number, count: number): number | null {
  if (key === "ArrowDown") return Math.min(active + 1, count - 1);
  if (key === "ArrowUp") return Math.max(active - 1, 0);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

function nameOf(row: TimelineRow): string {
  if (row.kind === "turn") return words.turn(Number(row.name));
  if (row.kind === "call") return row.name;
  if (row.name === "approval") return words.waitedForApproval;
  return row.name === "output" ? words.waitedForYou : words.waitedForSandbox;
}

function lengthOf(row: TimelineRow, timeline: Built): string {
  return timeline.hasTimes ? formatDuration(row.end - row.start) : words.positions(row.end - row.start + 1);
}

function contentOf(row: TimelineRow, view: RunView): unknown {
  return row.ids.map((id) => view.calls[id] ?? view.messages[id] ?? id);
}

function toColumns({ hasTimes, start }: Built, steps: Step[]): Column<TimelineRow>[] {
  const when = (time: number) => (hasTimes ? formatDuration(time - start) : words.atPosition(time));
  return [
    { label: words.row, render: nameOf },
    { label: words.kind, render: ({ kind }) => words.kinds[kind] },
    { label: words.start, isNumber: true, render: (row) => when(row.start) },
    { label: words.length, isNumber: true, render: (row) => (hasTimes ? formatDuration(row.end - row.start) : "–") },
    {
      label: words.marks,
      render: ({ marks }) => marks.map(({ kind, at }) => `${words.mark[kind]}: ${when(at)}`).join(", "),
    },
    { label: words.tokens, isNumber: true, render: (row) => describeTokens(usageOf(row, steps)?.total_tokens) },
    { label: words.cost, isNumber: true, render: (row) => describeCost(usageOf(row, steps)?.cost) },
  ];
}

function usageOf(row: TimelineRow, steps: Step[]) {
  return row.kind === "turn" ? findUsage(row.ids, steps) : undefined;
}
