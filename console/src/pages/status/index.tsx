import type { ReactNode } from "react";
import { type Health, useHealth } from "@/api/queries";
import { CodeBlock } from "@/components/CodeBlock";
import { ErrorBox } from "@/components/ErrorBox";
import { type Fact, Facts } from "@/components/Facts";
import { Skeleton } from "@/components/List";
import { Page, Section } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { formatBytes, formatDuration, formatNumber } from "@/format";
import styles from "./status.module.css";
import { words } from "./words.en";

/** The health of the server in words. */
export default function StatusPage() {
  const { data: health, error, refetch } = useHealth();
  return (
    <Page title={words.title} intro={words.intro}>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {health ? <Report health={health} /> : !error && <Skeleton lines={8} />}
    </Page>
  );
}

function Report({ health }: { health: Health }) {
  return (
    <>
      {health.held_since != null && (
        <p className={styles.held}>
          <strong>{words.readOnly}.</strong> {words.readOnlyText}
        </p>
      )}
      <Section title={words.tools}>
        <Table caption={words.tools} columns={TOOL_COLUMNS} rows={listTools(health)} keyOf={({ name }) => name} />
      </Section>
      <div className={styles.columns}>
        <Section title={words.server}>
          <Facts isList facts={describeServer(health)} />
        </Section>
        <Section title={words.search}>
          <Facts isList facts={describeSearch(health)} />
        </Section>
        <Section title={words.sandbox}>
          <Facts isList facts={describeSandbox(health)} />
        </Section>
      </div>
      <details>
        <summary>{words.raw}</summary>
        <CodeBlock code={JSON.stringify(health, null, 2)} language="json" />
      </details>
    </>
  );
}

function describeServer(health: Health): Fact[] {
  const role = health.role ?? "all";
  return [
    [words.version, health.version],
    [words.role, words.roles[role] ?? role],
    [words.uptime, formatDuration(health.uptime_s)],
    [words.runs, formatNumber(health.runs.at_work ?? 0)],
    [words.providers, health.providers.join(", ") || words.none],
    [words.free, formatBytes(health.store_free_bytes ?? 0)],
  ];
}

interface Knowledge {
  search?: string;
  reading?: number;
  index?: { state?: string; done?: number; total?: number };
}

function describeSearch(health: Health): Fact[] {
  const knowledge = (health.knowledge ?? {}) as Knowledge;
  const engine = health.web_search?.engine;
  return [
    [words.searchMode, words.modes[knowledge.search ?? ""] ?? knowledge.search],
    [words.ingesting, formatNumber(knowledge.reading ?? 0)],
    [words.index, describeIndex(knowledge.index)],
    [words.web, typeof engine === "string" ? engine : words.noEngine],
  ];
}

function describeIndex(index: Knowledge["index"]): ReactNode {
  if (index?.state === "damaged") return <Pill tone="bad">{words.indexDamaged}</Pill>;
  if (index?.state !== "rebuilding") return <Pill tone="good">{words.indexReady}</Pill>;
  return <Pill tone="info">{words.indexRebuilding(index.done ?? 0, index.total ?? 0)}</Pill>;
}

interface Sandbox {
  state?: string;
  level?: string;
  launcher?: string;
  sessions?: number;
  limits?: Record<string, unknown>;
  reasons?: string[];
  remedy?: string;
}

function describeSandbox(health: Health): Fact[] {
  const sandbox = (health.sandbox ?? {}) as Sandbox;
  const state = sandbox.state ?? "off";
  const facts: Fact[] = [
    [
      words.state,
      <Pill key="state" tone={state === "ready" ? "good" : "neutral"}>
        {words.sandboxStates[state] ?? state}
      </Pill>,
    ],
  ];
  if (sandbox.level) facts.push([words.level, sandbox.level.replaceAll("_", " ")]);
  if (sandbox.launcher) facts.push([words.launcher, sandbox.launcher]);
  if (sandbox.sessions !== undefined) facts.push([words.sessions, formatNumber(sandbox.sessions)]);
  if (sandbox.reasons?.length) facts.push([words.reasons, sandbox.reasons.join(" ")]);
  if (sandbox.remedy) facts.push([words.remedy, sandbox.remedy]);
  for (const [name, value] of Object.entries(sandbox.limits ?? {})) {
    facts.push([name.replaceAll("_", " "), typeof value === "object" ? JSON.stringify(value) : String(value)]);
  }
  return facts;
}

interface ToolRow {
  name: string;
  isAvailable: boolean;
  reason: string;
}

function listTools(health: Health): ToolRow[] {
  return Object.entries(health.tools).map(([name, tool]) => {
    const { available, reason } = tool as { available?: boolean; reason?: string };
    return { name, isAvailable: available ?? false, reason: reason ?? "" };
  });
}

const TOOL_COLUMNS: Column<ToolRow>[] = [
  { label: words.tool, render: ({ name }) => <code>{name}</code> },
  {
    label: words.state,
    render: ({ isAvailable }) => (
      <Pill tone={isAvailable ? "good" : "warn"}>{isAvailable ? words.available : words.off}</Pill>
    ),
  },
  { label: words.reason, render: ({ reason }) => reason },
];
