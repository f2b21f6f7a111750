import type { components } from "@/api/schema";
import { IdLink } from "@/components/IdLink";
import { StatusPill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { formatDuration } from "@/format";
import { describeCost, describeTokens } from "./run";
import { words } from "./words.en";

export type Step = components["schemas"]["RunStep"];

/** The steps of a run, as the API lists them; their times are whole seconds. */
export function Steps({ steps }: { steps: Step[] }) {
  return <Table caption={words.steps} columns={COLUMNS} rows={steps} keyOf={({ id }) => id} />;
}

/** Return the usage of the turn that wrote one of these messages or calls. */
export function findUsage(ids: string[], steps: Step[]): Step["usage"] | undefined {
  return steps.find((step) => step.usage && idsOf(step).some((id) => ids.includes(id)))?.usage;
}

function idsOf({ step_details: details }: Step): string[] {
  return "message_creation" in details ? [details.message_creation.message_id] : details.tool_calls.map(({ id }) => id);
}

function lengthOf(step: Step): string {
  const end = step.completed_at ?? step.failed_at ?? step.cancelled_at ?? step.expired_at;
  return end == null ? "–" : formatDuration(end - step.created_at);
}

const COLUMNS: Column<Step>[] = [
  { label: words.step, render: ({ id }) => <IdLink id={id} /> },
  { label: words.kind, render: ({ type }) => words.stepTypes[type] },
  { label: words.status, render: ({ status }) => <StatusPill status={status} /> },
  { label: words.tokens, isNumber: true, render: ({ usage }) => describeTokens(usage?.total_tokens) },
  { label: words.cost, isNumber: true, render: ({ usage }) => describeCost(usage?.cost) },
  { label: words.length, isNumber: true, render: lengthOf },
];
