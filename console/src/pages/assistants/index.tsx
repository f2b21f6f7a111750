import { Link, useParams } from "wouter";
import { api, sendWhole } from "@/api/client";
import { fromArray, useList } from "@/api/queries";
import { LinkButton } from "@/components/Button";
import { EmptyState, List } from "@/components/List";
import { Page } from "@/components/Page";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { AssistantDetail, NewAssistant } from "./AssistantDetail";
import styles from "./assistants.module.css";
import type { Assistant, Tool } from "./draft";
import { words } from "./words.en";

const PAGE_SIZE = 50;

/** The assistants of the user, one of them, or a new one. */
export default function AssistantsPage() {
  const { id } = useParams();
  if (id === undefined) return <AssistantList />;
  return id === "new" ? <NewAssistant /> : <AssistantDetail key={id} id={id} />;
}

function AssistantList() {
  const list = useList<Assistant>(["assistants", "list"], async (after, signal) => {
    const query = { limit: PAGE_SIZE, ...(after !== undefined && { after }) };
    return fromArray(await sendWhole(api.GET("/v1/assistants", { params: { query }, signal })));
  });
  const create = (
    <LinkButton to="/assistants/new" kind="primary" icon="plus">
      {words.create}
    </LinkButton>
  );
  const isEmpty = list.items?.length === 0;
  return (
    <Page title={words.title} intro={words.intro} actions={isEmpty ? undefined : create}>
      <List list={list} empty={<EmptyState text={words.empty} action={create} code={words.emptyCode} />}>
        {(assistants) => <Table caption={words.title} columns={COLUMNS} rows={assistants} keyOf={({ id }) => id} />}
      </List>
    </Page>
  );
}

const COLUMNS: Column<Assistant>[] = [
  {
    label: words.name,
    render: ({ id, name, description }) => (
      <div className={styles.name}>
        <Link href={`/assistants/${id}`}>{name || words.unnamed}</Link>
        {description && <span className={styles.soft}>{description}</span>}
      </div>
    ),
  },
  { label: words.model, render: ({ model }) => <code>{model}</code> },
  { label: words.tools, render: describeTools },
  { label: words.created, render: ({ created_at }) => <TimeAgo time={created_at} /> },
  {
    label: words.actions,
    render: ({ id, name }) => (
      <LinkButton to={`/play?assistant=${id}`} size="small" icon="play">
        {words.try}
        <span className="quiet">: {name || words.unnamed}</span>
      </LinkButton>
    ),
  },
];

function describeTools({ tools, platform_tools }: Assistant): string {
  const names = [...(tools ?? []), ...(platform_tools ?? [])].map((tool) => {
    const { type, function: called } = tool as Tool & { function?: { name?: string } };
    return called?.name ? `${called.name}()` : (words.toolTexts[type]?.[0] ?? type);
  });
  return names.join(", ") || words.noTools;
}
