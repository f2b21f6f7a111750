import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { api, send } from "@/api/client";
import type { components } from "@/api/schema";
import { LinkButton } from "@/components/Button";
import { ErrorBox } from "@/components/ErrorBox";
import { SelectField } from "@/components/Form";
import { IdLink } from "@/components/IdLink";
import { EmptyState, List } from "@/components/List";
import { Page, Section } from "@/components/Page";
import { type Column, Table } from "@/components/Table";
import { useFilters } from "@/components/useFilters";
import { formatNumber } from "@/format";
import { fillDays, findStart, type UsageEntry } from "./days";
import { describeCost, Today } from "./Today";
import styles from "./usage.module.css";
import { words } from "./words.en";

const Chart = lazy(() => import("./Chart"));

type Report = components["schemas"]["UsageReport"];
type Group = keyof typeof words.groups;

const DEFAULT_DAYS = 30;

/** Tokens and cost of the user's runs, against the limits. */
export default function UsagePage() {
  const [filters] = useFilters();
  const days = filters.get("days");
  const count = words.periods.some(([value]) => value === days) ? Number(days) : DEFAULT_DAYS;
  const by = filters.get("by") ?? "";
  const group = by in words.groups ? (by as Group) : "day";
  const byDay = useUsage("day", count);
  const byGroup = useUsage(group, count);
  const report = byDay.data;
  const list = {
    items: byGroup.data?.data,
    error: byGroup.error,
    updatedAt: byGroup.dataUpdatedAt,
    hasMore: false,
    isLoadingMore: false,
    loadMore: () => undefined,
    reload: () => void byGroup.refetch(),
  };
  const isUnpriced = report?.data.some(({ unpriced }) => unpriced) || report?.today.unpriced;
  return (
    <Page title={words.title} intro={words.intro}>
      {report ? <Today report={report} /> : byDay.error && <ErrorBox error={byDay.error} />}
      {isUnpriced && (
        <p className={styles.note}>
          <strong>{words.unpriced}</strong> {words.unpricedText}
        </p>
      )}
      <Filters count={count} group={group} />
      {report && report.data.length > 0 && <Charts report={report} />}
      <List list={list} empty={<EmptyState text={words.empty} action={TO_PLAYGROUND} />}>
        {(entries) => (
          <Section title={words.caption(words.groups[group])}>
            <Table
              caption={words.caption(words.groups[group])}
              columns={[nameColumn(group), ...NUMBERS]}
              rows={entries}
              keyOf={(entry) => nameOf(entry, group) ?? ""}
            />
          </Section>
        )}
      </List>
    </Page>
  );
}

const TO_PLAYGROUND = (
  <LinkButton to="/play" kind="primary">
    {words.emptyAction}
  </LinkButton>
);

function useUsage(group: Group, count: number) {
  return useQuery({
    queryKey: ["usage", group, count],
    queryFn: ({ signal }) =>
      send(api.GET("/v1/usage", { params: { query: { group_by: group, start: findStart(count) } }, signal })),
  });
}

function Filters({ count, group }: { count: number; group: Group }) {
  const [, setFilter] = useFilters();
  return (
    <div className={styles.filters}>
      <SelectField
        name="days"
        label={words.period}
        value={String(count)}
        onChange={(event) => setFilter("days", event.target.value)}
      >
        {words.periods.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </SelectField>
      <SelectField
        name="by"
        label={words.groupBy}
        value={group}
        onChange={(event) => setFilter("by", event.target.value)}
      >
        {Object.entries(words.groups).map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </SelectField>
    </div>
  );
}

function Charts({ report }: { report: Report }) {
  const { days, tokens, cost } = useMemo(() => fillDays(report.start, report.end, report.data), [report]);
  return (
    <div className={styles.charts}>
      <Suspense fallback={<div className={styles.chart} />}>
        <figure>
          <figcaption>{words.tokens}</figcaption>
          <Chart label={words.chart(words.tokens)} days={days} values={tokens} format={words.tokenTick} />
        </figure>
        <figure>
          <figcaption>{words.cost}</figcaption>
          <Chart label={words.chart(words.cost)} days={days} values={cost} format={words.moneyTick} />
        </figure>
      </Suspense>
    </div>
  );
}

function nameOf(entry: UsageEntry, group: Group): string | null | undefined {
  return { day: entry.day, assistant: entry.assistant_id, key: entry.key_prefix, model: entry.model }[group];
}

function nameColumn(group: Group): Column<UsageEntry> {
  return {
    label: words.groups[group],
    render: (entry) => {
      const name = nameOf(entry, group);
      if (!name) return words.deleted;
      return group === "assistant" ? <IdLink id={name} /> : <span data-copy={name}>{name}</span>;
    },
  };
}

const NUMBERS: Column<UsageEntry>[] = [
  { label: words.turns, isNumber: true, render: ({ turns }) => formatNumber(turns) },
  { label: words.prompt, isNumber: true, render: ({ prompt_tokens }) => formatNumber(prompt_tokens) },
  { label: words.completion, isNumber: true, render: ({ completion_tokens }) => formatNumber(completion_tokens) },
  { label: words.total, isNumber: true, render: ({ total_tokens }) => formatNumber(total_tokens) },
  {
    label: words.cost,
    isNumber: true,
    render: ({ cost, unpriced, total_tokens }) => describeCost(cost, unpriced, total_tokens),
  },
];
