import { useState } from "react";
import { ApiError } from "@/api/errors";
import { Button } from "@/components/Button";
import { Form, TextAreaField } from "@/components/Form";
import styles from "./assistants.module.css";
import { BasicFields } from "./BasicFields";
import { type Draft, findLine, parseObject } from "./draft";
import { ModelFields } from "./ModelFields";
import { ToolFields } from "./ToolFields";
import { WebhookFields } from "./WebhookFields";
import { words } from "./words.en";

const FIELDS = [
  ...["name", "description", "model", "instructions", "temperature", "top_p", "reasoning_effort", "max_tokens"],
  ...["response_format", "meta_data", "webhook_url", "webhook_events", "webhook_secret"],
];

export interface FieldsProps {
  draft: Draft;
  /** Set fields of the draft. */
  onChange: (changes: Draft) => void;
}

interface AssistantEditorProps {
  draft: Draft;
  /** What the button says. */
  submit: string;
  command: { run: (draft: Draft) => void; isRunning: boolean; error: unknown; reset: () => void };
}

/** Edits an assistant by field or as JSON. Both show the same draft. */
export function AssistantEditor({ draft: saved, submit, command }: AssistantEditorProps) {
  const [draft, setDraft] = useState(saved);
  const [json, setJson] = useState<string | null>(null);
  const [jsonError, setJsonError] = useState<unknown>(null);
  const isChanged = json !== null ? json !== formatDraft(saved) : draft !== saved;

  const readDraft = (): Draft | undefined => {
    if (json === null) return draft;
    try {
      return parseObject(json);
    } catch (error) {
      setJsonError(new Error(words.badJson(error instanceof Error ? error.message : "")));
      return undefined;
    }
  };
  const show = (view: "form" | "json") => {
    const next = readDraft();
    if (next === undefined) return;
    setJsonError(null);
    setDraft(next);
    setJson(view === "json" ? formatDraft(next) : null);
  };
  const onSubmit = () => {
    command.reset();
    setJsonError(null);
    const next = readDraft();
    if (next !== undefined) command.run(next);
  };
  const onChange = (changes: Draft) => setDraft((before) => ({ ...before, ...changes }));
  return (
    <>
      <fieldset className={styles.switch}>
        <legend className="quiet">{words.view}</legend>
        <Button size="small" aria-pressed={json === null} onClick={() => show("form")}>
          {words.asForm}
        </Button>
        <Button size="small" aria-pressed={json !== null} onClick={() => show("json")}>
          {words.asJson}
        </Button>
      </fieldset>
      <Form fields={json === null ? FIELDS : []} error={jsonError ?? command.error} onSubmit={onSubmit}>
        {json === null ? (
          <div className={styles.parts}>
            <div className={styles.part}>
              <BasicFields draft={draft} onChange={onChange} />
              <ModelFields draft={draft} onChange={onChange} />
            </div>
            <div className={styles.part}>
              <ToolFields draft={draft} onChange={onChange} />
              <WebhookFields draft={draft} onChange={onChange} />
            </div>
          </div>
        ) : (
          <JsonField json={json} onChange={setJson} error={command.error} />
        )}
        <div className={styles.foot}>
          <Button kind="primary" type="submit" isBusy={command.isRunning}>
            {submit}
          </Button>
          {isChanged && <span className={styles.soft}>{words.unsaved}</span>}
        </div>
      </Form>
    </>
  );
}

interface JsonFieldProps {
  json: string;
  onChange: (json: string) => void;
  error: unknown;
}

/** The draft as JSON; the field that the server rejects is named with its line. */
function JsonField({ json, onChange, error }: JsonFieldProps) {
  const path = error instanceof ApiError ? error.param : null;
  const line = path === null ? null : findLine(json, path);
  return (
    <div className={styles.json}>
      <TextAreaField
        name="json"
        label={words.json}
        hint={words.jsonHint}
        value={json}
        spellCheck={false}
        dir="ltr"
        aria-invalid={path !== null || undefined}
        onChange={({ target }) => onChange(target.value)}
      />
      {path !== null && (
        <p className={styles.bad}>
          {words.atField(path)} {line !== null && words.line(line)}
        </p>
      )}
    </div>
  );
}

function formatDraft(draft: Draft): string {
  return JSON.stringify(draft, null, 2);
}
