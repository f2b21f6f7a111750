import { useParams } from "wouter";
import { RunDetail } from "./RunDetail";
import { RunList } from "./RunList";

/** The list of runs, or the trace of one. */
export default function RunsPage() {
  const { id } = useParams<{ id?: string }>();
  return id === undefined ? <RunList /> : <RunDetail key={id} runId={id} />;
}
