import { useState } from "react";
import { api, send } from "@/api/client";
import { fromList, useList } from "@/api/queries";
import type { components } from "@/api/schema";
import { Button } from "@/components/Button";
import { SelectField } from "@/components/Form";
import { IdLink } from "@/components/IdLink";
import { EmptyState, List } from "@/components/List";
import { Page, Section } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { useFilters } from "@/components/useFilters";
import { formatNumber } from "@/format";
import { type Delivery, DeliveryDialog, TONES } from "./DeliveryDialog";
import { Receivers } from "./Receivers";
import styles from "./webhooks.module.css";
import { words } from "./words.en";

type Status = components["schemas"]["Delivery"]["status"];

const REFRESH_MS = 2000;

/** Deliveries of webhooks, and the assistants that have one. */
export default function WebhooksPage() {
  return (
    <Page title={words.title} intro={words.intro}>
      <Receivers />
      <Deliveries />
    </Page>
  );
}

function Deliveries() {
  const [filters, setFilter] = useFilters();
  const [opened, setOpened] = useState<string | null>(null);
  const chosen = filters.get("status") ?? "";
  const status = chosen in words.statuses ? (chosen as Status) : undefined;
  const list = useList(
    ["deliveries", status],
    async (after, signal) => {
      const query = { order: "desc" as const, ...(status && { status }), ...(after && { after }) };
      return fromList(await send(api.GET("/v1/webhooks/deliveries", { params: { query }, signal })));
    },
    { refetchInterval: REFRESH_MS },
  );
  return (
    <Section title={words.deliveries}>
      <div className={styles.filter}>
        <SelectField
          name="status"
          label={words.status}
          value={status ?? ""}
          onChange={(event) => setFilter("status", event.target.value)}
        >
          <option value="">{words.all}</option>
          {Object.entries(words.statuses).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </SelectField>
      </div>
      <List list={list} empty={<EmptyState text={status ? words.emptyFiltered : words.empty} />}>
        {(deliveries) => (
          <Table caption={words.deliveries} columns={listColumns(setOpened)} rows={deliveries} keyOf={({ id }) => id} />
        )}
      </List>
      {opened && <DeliveryDialog id={opened} onClose={() => setOpened(null)} />}
    </Section>
  );
}

function listColumns(onOpen: (id: string) => void): Column<Delivery>[] {
  return [
    { label: words.event, render: ({ event, id }) => <code data-copy={id}>{event}</code> },
    { label: words.status, render: ({ status }) => <Pill tone={TONES[status]}>{words.statuses[status]}</Pill> },
    { label: words.assistant, render: ({ assistant_id }) => <IdLink id={assistant_id} /> },
    { label: words.run, render: ({ run_id }) => (run_id ? <IdLink id={run_id} /> : "–") },
    { label: words.attempts, isNumber: true, render: ({ attempts }) => formatNumber(attempts) },
    { label: words.created, render: ({ created_at }) => <TimeAgo time={created_at} /> },
    { label: words.next, render: ({ next_attempt_at }) => <TimeAgo time={next_attempt_at} /> },
    {
      label: words.actions,
      render: ({ id }) => (
        <Button size="small" aria-label={words.openOne(id)} onClick={() => onOpen(id)}>
          {words.open}
        </Button>
      ),
    },
  ];
}
