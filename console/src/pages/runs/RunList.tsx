import { api, send } from "@/api/client";
import { fromList, useList } from "@/api/queries";
import { LinkButton } from "@/components/Button";
import { SelectField } from "@/components/Form";
import { IdLink } from "@/components/IdLink";
import { EmptyState, List } from "@/components/List";
import { Page } from "@/components/Page";
import { StatusPill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { useFilters } from "@/components/useFilters";
import { isFinal } from "@/streams/view";
import { words as shared } from "@/words";
import { describeCost, describeDuration, describeTokens, type Run } from "./run";
import styles from "./runs.module.css";
import { words } from "./words.en";

const POLL_MS = 2000;
const STATUSES: Run["status"][] = [
  "queued",
  "in_progress",
  "action_required",
  "cancelling",
  "completed",
  "incomplete",
  "failed",
  "cancelled",
  "expired",
];

/** The runs of the caller. While one is running, the list is read again; React Query stops that in hidden tabs. */
export function RunList() {
  const [filters, setFilter] = useFilters();
  const status = STATUSES.find((one) => one === filters.get("status"));
  const list = useList(
    ["runs", status ?? null],
    async (after, signal) => {
      const query = { ...(after && { after }), ...(status && { status: [status] }) };
      return fromList(await send(api.GET("/v1/runs", { params: { query }, signal })));
    },
    { refetchInterval: (read) => (read.some((run) => !isFinal(run.status)) ? POLL_MS : false) },
  );
  const empty = status ? (
    <EmptyState text={words.emptyFiltered} />
  ) : (
    <EmptyState text={words.empty} action={<LinkButton to="/play">{words.toPlay}</LinkButton>} code={words.code} />
  );
  return (
    <Page title={words.title} intro={words.intro}>
      <div className={styles.filters}>
        <SelectField
          name="status"
          label={words.filter}
          value={status ?? ""}
          onChange={({ target }) => setFilter("status", target.value)}
        >
          <option value="">{words.any}</option>
          {STATUSES.map((one) => (
            <option key={one} value={one}>
              {shared.status[one]}
            </option>
          ))}
        </SelectField>
      </div>
      <List list={list} empty={empty}>
        {(runs) => <Table caption={words.title} columns={COLUMNS} rows={runs} keyOf={({ id }) => id} />}
      </List>
    </Page>
  );
}

const COLUMNS: Column<Run>[] = [
  { label: words.run, render: ({ id }) => <IdLink id={id} /> },
  { label: words.status, render: ({ status }) => <StatusPill status={status} /> },
  { label: words.model, render: ({ model }) => model },
  { label: words.tokens, isNumber: true, render: ({ usage }) => describeTokens(usage?.total_tokens) },
  { label: words.cost, isNumber: true, render: ({ usage }) => describeCost(usage?.cost) },
  { label: words.duration, isNumber: true, render: describeDuration },
  { label: words.started, render: ({ created_at }) => <TimeAgo time={created_at} /> },
];
