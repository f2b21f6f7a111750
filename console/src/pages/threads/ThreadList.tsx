import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, send } from "@/api/client";
import { fromList, useList } from "@/api/queries";
import type { components } from "@/api/schema";
import { LinkButton } from "@/components/Button";
import { IdLink } from "@/components/IdLink";
import { EmptyState, List } from "@/components/List";
import { Page } from "@/components/Page";
import { StatusPill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { titleOf } from "./titles";
import { words } from "./words.en";

type Thread = components["schemas"]["Thread"];

const PAGE = 30;
const MAX_OPEN = 100;
const OPEN = ["queued", "in_progress", "action_required", "cancelling"] as const;
const POLL_OPEN_MS = 2000;
const POLL_IDLE_MS = 10_000;

/** The threads with title, age, and whether something runs. */
export function ThreadList() {
  const states = useOpenRuns();
  const list = useList<Thread>(["threads"], async (after, signal) => {
    const query = { limit: PAGE, order: "desc" as const, ...(after === undefined ? {} : { after }) };
    return fromList(await send(api.GET("/v1/threads", { params: { query }, signal })));
  });
  const columns: Column<Thread>[] = [
    {
      label: words.thread,
      render: (thread) => (
        <Link href={`/threads/${thread.id}`}>
          <bdi>{titleOf(thread)}</bdi>
        </Link>
      ),
    },
    {
      label: words.state,
      render: ({ id }) => {
        const status = states.get(id);
        return status && <StatusPill status={status} />;
      },
    },
    { label: words.created, render: ({ created_at: time }) => <TimeAgo time={time} /> },
    { label: words.id, render: ({ id }) => <IdLink id={id} canCopy /> },
  ];
  return (
    <Page
      title={words.title}
      intro={words.intro}
      actions={
        <LinkButton to="/play" icon="plus" kind="primary">
          {words.ask}
        </LinkButton>
      }
    >
      <div>
        <List
          list={list}
          empty={
            <EmptyState text={words.empty} action={<LinkButton to="/play">{words.ask}</LinkButton>} code={words.code} />
          }
        >
          {(threads) => <Table caption={words.title} columns={columns} rows={threads} keyOf={({ id }) => id} />}
        </List>
      </div>
    </Page>
  );
}

/** The status of the open run of each thread, for the newest `MAX_OPEN` of them. */
function useOpenRuns(): ReadonlyMap<string, string> {
  const { data } = useQuery({
    queryKey: ["runs", "open-by-thread"],
    queryFn: ({ signal }) =>
      send(api.GET("/v1/runs", { params: { query: { limit: MAX_OPEN, order: "desc", status: [...OPEN] } }, signal })),
    refetchInterval: (query) => (query.state.data?.data.length ? POLL_OPEN_MS : POLL_IDLE_MS),
  });
  return new Map((data?.data ?? []).map((run) => [run.thread_id, run.status]));
}
