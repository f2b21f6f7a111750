import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Link } from "wouter";
import { api, send } from "@/api/client";
import { type Health, useHealth } from "@/api/queries";
import type { components } from "@/api/schema";
import { LinkButton } from "@/components/Button";
import { ErrorBox } from "@/components/ErrorBox";
import { Skeleton } from "@/components/List";
import { Section } from "@/components/Page";
import pageStyles from "@/components/Page.module.css";
import { type Column, Table } from "@/components/Table";
import { formatDuration, formatNumber } from "@/format";
import { words as shared } from "@/words";
import { listShortcomings, reasonOff } from "./shortcomings";
import styles from "./start.module.css";
import { words } from "./words.en";

type Model = components["schemas"]["ModelInfo"];

const SHOWN_MODELS = 8;

/** The first minute: what is here, what to try, what is off and why. */
export default function StartPage() {
  const health = useHealth();
  useEffect(() => {
    document.title = shared.consoleTitle(words.title);
  }, []);
  return (
    <div className={pageStyles.page}>
      <div className={styles.hero}>
        <h1>{health.isError ? words.away : words.headline}</h1>
        {health.data && <p>{describe(health.data)}</p>}
      </div>
      <Section title={words.examplesTitle}>
        <ul className={styles.examples}>
          {words.examples.map((example) => (
            <li key={example.tool}>
              <Example {...example} reason={health.data ? reasonOff(health.data, example.tool) : null} />
            </li>
          ))}
        </ul>
      </Section>
      <div className={styles.columns}>
        <Section title={words.modelsTitle}>
          <Models />
        </Section>
        <Section title={words.toolsTitle}>{health.data ? <Shortcomings health={health.data} /> : <Skeleton />}</Section>
      </div>
    </div>
  );
}

function describe(health: Health): string {
  const parts = [words.healthy(health.version, formatDuration(health.uptime_s))];
  if (health.runs.at_work) parts.push(words.running(health.runs.at_work));
  if (health.held_since != null) parts.push(words.readOnly);
  return parts.join(" ");
}

type ExampleProps = (typeof words.examples)[number] & { reason: string | null };

function Example({ tool, title, prompt, uses, reason }: ExampleProps) {
  return (
    <div className={styles.example}>
      <h3>{title}</h3>
      <p className={styles.prompt}>{renderCode(prompt)}</p>
      {reason === null ? (
        <p className={styles.uses}>{uses}</p>
      ) : (
        <p className={styles.off}>
          {words.off} {reason}
        </p>
      )}
      {reason === null && (
        <LinkButton to={`/play?${new URLSearchParams({ tool, prompt })}`} icon="play">
          {words.try}
          <span className="quiet">: {title}</span>
        </LinkButton>
      )}
    </div>
  );
}

/** What is between backticks is code. */
function renderCode(text: string): ReactNode[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code key={part}>{part}</code> : part));
}

function Models() {
  const { data, error, refetch } = useQuery({ queryKey: ["models"], queryFn: () => send(api.GET("/v1/models")) });
  if (!data) return error ? <ErrorBox error={error} onRetry={() => void refetch()} /> : <Skeleton />;
  if (data.data.length === 0) return <p>{words.noModels}</p>;
  const isDemo = data.data.every((model) => model.owned_by === "demo");
  const more = data.data.length - SHOWN_MODELS;
  return (
    <>
      {isDemo && (
        <p>
          {words.demo} <span className={styles.note}>{words.demoNext}</span>
        </p>
      )}
      <Table
        caption={words.modelsTitle}
        columns={COLUMNS}
        rows={data.data.slice(0, SHOWN_MODELS)}
        keyOf={({ id }) => id}
      />
      {more > 0 && <p className={styles.note}>{words.modelsMore(more)}</p>}
    </>
  );
}

const COLUMNS: Column<Model>[] = [
  { label: words.model, render: ({ id }) => <code>{id}</code> },
  {
    label: words.context,
    isNumber: true,
    render: ({ context_window: window }) => {
      if (window?.value == null) return "–";
      const isAssumed = window.source === "default";
      return `${formatNumber(window.value)}${isAssumed ? ` (${words.contextDefault})` : ""}`;
    },
  },
];

function Shortcomings({ health }: { health: Health }) {
  const found = listShortcomings(health);
  return (
    <>
      {found.length === 0 ? (
        <p>{words.allOn}</p>
      ) : (
        <ul className={styles.facts}>
          {found.map(({ name, reason }) => (
            <li key={name}>
              <code>{name}</code>
              <span className={styles.note}>{reason}</span>
            </li>
          ))}
        </ul>
      )}
      <p>
        <Link href="/status">{words.seeStatus}</Link>
      </p>
    </>
  );
}
