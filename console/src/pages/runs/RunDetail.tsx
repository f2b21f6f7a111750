import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, send } from "@/api/client";
import { fromList, useCommand, useList } from "@/api/queries";
import { Button, LinkButton } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { CopyButton } from "@/components/CopyButton";
import { ErrorBox } from "@/components/ErrorBox";
import { type Fact, Facts } from "@/components/Facts";
import { IdLink } from "@/components/IdLink";
import { List, Skeleton } from "@/components/List";
import { announce } from "@/components/notices";
import { Page, Section } from "@/components/Page";
import { StatusPill } from "@/components/Pill";
import { TimeAgo } from "@/components/TimeAgo";
import type { RunEvent } from "@/streams/events";
import { useJournal } from "@/streams/useRun";
import { isFinal } from "@/streams/view";
import { Journal } from "./Journal";
import { describeCost, describeDuration, describeTokens, type Run, toCode } from "./run";
import styles from "./runs.module.css";
import { type Step, Steps } from "./Steps";
import { Timeline } from "./Timeline";
import { words } from "./words.en";

const POLL_MS = 2000;
const STEPS = 100;

/** The trace of a run. */
export function RunDetail({ runId }: { runId: string }) {
  const path = { run_id: runId };
  const run = useQuery({
    queryKey: ["run", runId],
    queryFn: ({ signal }) => send(api.GET("/v1/runs/{run_id}", { params: { path }, signal })),
    refetchInterval: ({ state }) => (state.data && !isFinal(state.data.status) ? POLL_MS : false),
  });
  return (
    <Page title={words.runTitle(runId)} actions={<LinkButton to="/runs">{words.back}</LinkButton>}>
      {run.error && <ErrorBox error={run.error} onRetry={() => void run.refetch()} />}
      {run.data ? <Trace run={run.data} /> : !run.error && <Skeleton lines={8} />}
    </Page>
  );
}

function Trace({ run }: { run: Run }) {
  const { view, events, error } = useJournal(run.id);
  const steps = useList<Step>(
    ["run", run.id, "steps", run.status],
    async (after, signal) => {
      const query = { limit: STEPS, order: "asc" as const, ...(after === undefined ? {} : { after }) };
      const path = { run_id: run.id };
      return fromList(await send(api.GET("/v1/runs/{run_id}/steps", { params: { path, query }, signal })));
    },
    { refetchInterval: isFinal(run.status) ? false : POLL_MS },
  );
  return (
    <>
      <RunFacts run={run} />
      <Actions run={run} events={events} />
      {run.error && <p className={styles.failure}>{run.error.message}</p>}
      {run.warnings.length > 0 && (
        <Section title={words.warnings}>
          <ul>
            {run.warnings.map(({ code, message }) => (
              <li key={`${code} ${message}`}>{message}</li>
            ))}
          </ul>
        </Section>
      )}
      {error != null && <ErrorBox error={error} />}
      <Timeline events={events} view={view} steps={steps.items ?? []} />
      <Section title={words.steps}>
        <div>
          <List list={steps} empty={<p>{words.noSteps}</p>}>
            {(items) => <Steps steps={items} />}
          </List>
        </div>
      </Section>
      <Journal events={events} />
      <ModelMessages threadId={run.thread_id} />
    </>
  );
}

function RunFacts({ run }: { run: Run }) {
  const facts: Fact[] = [
    [words.status, <StatusPill key="status" status={run.status} />],
    [words.model, run.model],
    [words.assistant, <IdLink key="assistant" id={run.assistant_id} />],
    [words.thread, <IdLink key="thread" id={run.thread_id} />],
    [words.duration, describeDuration(run)],
    [words.tokens, describeTokens(run.usage?.total_tokens)],
    [words.cost, describeCost(run.usage?.cost)],
    [words.started, <TimeAgo key="created" time={run.created_at} />],
  ];
  return <Facts facts={facts} />;
}

function Actions({ run, events }: { run: Run; events: RunEvent[] }) {
  const [, navigate] = useLocation();
  const cancel = useCommand(
    (_: undefined, header) =>
      send(api.POST("/v1/runs/{run_id}/cancel", { params: { path: { run_id: run.id }, header } })),
    { invalidates: [["run", run.id], ["runs"]] },
  );
  const again = useCommand(
    (_: undefined, header) => {
      const body = { assistant_id: run.assistant_id, thread_id: run.thread_id };
      return send(api.POST("/v1/runs", { params: { header }, body }));
    },
    {
      invalidates: [["runs"]],
      onSuccess: (created) => {
        announce(words.startedAgain);
        navigate(`/runs/${created.id}`);
      },
    },
  );
  const error = cancel.error ?? again.error;
  return (
    <>
      <div className={styles.actions}>
        {!isFinal(run.status) && (
          <Button
            kind="danger"
            size="small"
            isBusy={cancel.isRunning || run.status === "cancelling"}
            onClick={() => cancel.run(undefined)}
          >
            {run.status === "cancelling" ? words.cancelling : words.cancel}
          </Button>
        )}
        <Button size="small" title={words.againHint} isBusy={again.isRunning} onClick={() => again.run(undefined)}>
          {words.again}
        </Button>
        <CopyButton hasText text={toCode(run)} label={words.asCode} />
        <Button size="small" onClick={() => download(`${run.id}.ndjson`, events)}>
          {words.download}
        </Button>
      </div>
      {error && <ErrorBox error={error} />}
    </>
  );
}

function download(name: string, events: RunEvent[]): void {
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function ModelMessages({ threadId }: { threadId: string }) {
  const [isShown, setShown] = useState(false);
  const messages = useQuery({
    queryKey: ["thread", threadId, "formatted"],
    enabled: isShown,
    queryFn: ({ signal }) =>
      send(
        api.GET("/v1/threads/{thread_id}/formatted_messages", { params: { path: { thread_id: threadId } }, signal }),
      ),
  });
  return (
    <Section title={words.messages}>
      <p className={styles.hint}>{words.messagesHint}</p>
      {!isShown && (
        <div>
          <Button size="small" onClick={() => setShown(true)}>
            {words.show}
          </Button>
        </div>
      )}
      {messages.error && <ErrorBox error={messages.error} onRetry={() => void messages.refetch()} />}
      {messages.data && <CodeBlock code={JSON.stringify(messages.data, null, 2)} language="json" />}
      {isShown && messages.isPending && <Skeleton />}
    </Section>
  );
}
