import { useId } from "react";
import { Link } from "wouter";
import { Button } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { Icon, type IconName } from "@/components/Icon";
import { Pill, type Tone } from "@/components/Pill";
import type { CallView, OutputPart } from "@/streams/view";
import { ApprovalForm } from "./ApprovalForm";
import { findJsonError } from "./answers";
import styles from "./CallCard.module.css";
import { stripEscapes } from "./escapes";
import { Files, toShownFile } from "./Files";
import type { Answers } from "./useAnswers";
import { words } from "./words.en";

const TONES: Record<CallView["state"], Tone> = {
  writing: "info",
  gated: "warn",
  approved: "info",
  denied: "bad",
  asks: "warn",
  running: "info",
  done: "good",
  failed: "bad",
  unknown: "warn",
  discarded: "neutral",
};
const ICONS: Record<string, IconName> = {
  code_interpreter: "code",
  computer: "terminal",
  file_search: "search",
  web_search: "search",
};

/** A tool call: its arguments, what it runs and prints, its files and outcome; it asks if the user answers it. */
export function CallCard({ call, threadId, answers }: { call: CallView; threadId: string; answers: Answers | null }) {
  const tool = call.tool ?? call.name;
  const id = useId();
  return (
    // biome-ignore lint/a11y/useSemanticElements: not a landmark, since several have one name; and no set of fields.
    <div role="group" aria-labelledby={id} className={styles.card} data-state={call.state}>
      <h2 className={styles.head} id={id}>
        <Icon name={ICONS[tool] ?? "runs"} />
        <bdi className={styles.name}>{words.call.names[tool] ?? call.name}</bdi>
        <Pill tone={TONES[call.state]}>{words.call.states[call.state]}</Pill>
      </h2>
      {(call.approval === null || answers === null) && <Arguments call={call} />}
      {call.code !== "" && <CodeBlock code={call.code} language="python" isComplete={call.state !== "running"} />}
      {call.sandbox && call.sandbox.state !== "started" && (
        <p className={styles.note}>
          {words.call.sandbox[call.sandbox.state]} {call.sandbox.message}
        </p>
      )}
      {call.output.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts are only appended.
        <Output key={index} part={part} threadId={threadId} />
      ))}
      <Files files={call.files.map((file) => toShownFile({ ...file }))} />
      <Result call={call} />
      {call.approval !== null && answers && <ApprovalForm approval={call.approval} />}
      {call.state === "asks" && answers && <AnswerForm call={call} answers={answers} />}
    </div>
  );
}

/** Arguments as a table; raw while the model writes them. Code is shown once, as code. */
function Arguments({ call }: { call: CallView }) {
  if (call.state === "writing" && call.argumentsText !== "") {
    return <pre className={styles.raw}>{call.argumentsText}</pre>;
  }
  const args = Object.entries(call.args ?? parseArguments(call.argumentsText));
  const shown = args.filter(([name]) => !(name === "code" && call.code !== ""));
  if (shown.length === 0) return null;
  return (
    <table className={styles.arguments}>
      <caption className="quiet">{words.call.arguments}</caption>
      <thead className="quiet">
        <tr>
          <th scope="col">{words.call.argument}</th>
          <th scope="col">{words.call.value}</th>
        </tr>
      </thead>
      <tbody>
        {shown.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">
              <bdi>{name}</bdi>
            </th>
            <td dir="auto">{typeof value === "string" ? value : JSON.stringify(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function parseArguments(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return text === "" ? {} : { "": text };
  }
}

function Output({ part, threadId }: { part: OutputPart; threadId: string }) {
  const text = part.stream === "terminal" ? stripEscapes(part.content) : part.content;
  if (text.trim() === "") return null;
  return (
    <div className={styles.output} data-stream={part.stream}>
      <p className={styles.label}>
        {words.call.streams[part.stream]}
        {part.stream === "terminal" && <Link href={`/terminal/${threadId}`}>{words.call.watch}</Link>}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre tabIndex={0} dir="ltr">
        {text}
      </pre>
    </div>
  );
}

function Result({ call }: { call: CallView }) {
  if (call.result === null) return null;
  const isPlain = call.state === "done" && (call.code !== "" || call.output.length > 0 || call.result.length > 300);
  return (
    <>
      {call.state === "unknown" && <p className={styles.note}>{words.call.unknown}</p>}
      <details className={styles.result} open={!isPlain}>
        <summary>{words.call.result}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
        <pre tabIndex={0} dir="auto">
          {stripEscapes(call.result)}
        </pre>
      </details>
    </>
  );
}

function AnswerForm({ call, answers }: { call: CallView; answers: Answers }) {
  const id = useId();
  const answer = answers.of(call.id);
  const problem = findJsonError(answer);
  return (
    <form
      className={styles.answer}
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === null) answers.submit([call]);
      }}
    >
      <label htmlFor={id}>{words.call.answer(call.name)}</label>
      <textarea
        id={id}
        className={styles.field}
        rows={2}
        value={answer.text}
        aria-invalid={problem !== null || undefined}
        aria-describedby={`${id}-hint`}
        onChange={(event) => answers.change(call.id, { text: event.target.value, asText: false })}
      />
      <p id={`${id}-hint`} className={problem === null ? styles.note : styles.problem}>
        {problem === null ? words.call.answerHint : words.call.badJson(problem)}
      </p>
      <div className={styles.actions}>
        <Button type="submit" size="small" kind="primary" disabled={problem !== null} isBusy={answers.isSending}>
          {words.call.send}
        </Button>
        {problem !== null && (
          <Button size="small" onClick={() => answers.change(call.id, { asText: true })}>
            {words.call.asText}
          </Button>
        )}
      </div>
    </form>
  );
}
