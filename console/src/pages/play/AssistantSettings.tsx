import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "wouter";
import { api, send } from "@/api/client";
import { Button } from "@/components/Button";
import { Form, SelectField, TextAreaField, TextField } from "@/components/Form";
import styles from "./play.module.css";
import { EXAMPLE_FUNCTIONS, isDraft, type PlaySettings, parseFunctions } from "./settings";
import { ToolFields } from "./ToolFields";
import { words } from "./words.en";

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
const FIELDS = [
  "model",
  "instructions",
  "tools",
  "temperature",
  "max_turns",
  "max_completion_tokens",
  "reasoning_effort",
  "additional_instructions",
];

export interface SettingsProps {
  settings: PlaySettings;
  change: (part: Partial<PlaySettings>) => void;
}

/** The assistant of the conversation and the options of its runs. `error` is that of the last run. */
export function AssistantSettings({ settings, change, error }: SettingsProps & { error: unknown }) {
  return (
    <Form fields={FIELDS} error={error} onSubmit={() => undefined}>
      <AssistantChooser settings={settings} change={change} />
      {settings.assistantId === null && <UnsavedFields settings={settings} change={change} />}
      <fieldset className={styles.group}>
        <legend>{words.options.title}</legend>
        <p className={styles.hint}>{words.options.hint}</p>
        {settings.assistantId !== null && (
          <TextAreaField
            name="additional_instructions"
            label={words.options.additional}
            value={settings.additional_instructions}
            onChange={(event) => change({ additional_instructions: event.target.value })}
          />
        )}
        <NumberField name="temperature" label={words.options.temperature} settings={settings} change={change} />
        <NumberField name="max_turns" label={words.options.maxTurns} settings={settings} change={change} />
        <NumberField name="max_completion_tokens" label={words.options.maxTokens} settings={settings} change={change} />
        <SelectField
          name="reasoning_effort"
          label={words.options.effort}
          value={settings.reasoning_effort}
          onChange={(event) => change({ reasoning_effort: event.target.value })}
        >
          <option value="">{words.options.unset}</option>
          {EFFORTS.map((effort) => (
            <option key={effort}>{effort}</option>
          ))}
        </SelectField>
      </fieldset>
    </Form>
  );
}

function AssistantChooser({ settings, change }: SettingsProps) {
  const { data } = useQuery({
    queryKey: ["assistants", "choices"],
    queryFn: () => send(api.GET("/v1/assistants", { params: { query: { limit: 100, order: "desc" } } })),
  });
  const assistants = data?.filter((assistant) => !isDraft(assistant)) ?? [];
  // A thread of an unsaved assistant leads back to the settings of this tab.
  const isDraftChosen = data?.some((assistant) => isDraft(assistant) && assistant.id === settings.assistantId) ?? false;
  useEffect(() => {
    if (isDraftChosen) change({ assistantId: null });
  }, [isDraftChosen, change]);
  const chosen = assistants.find(({ id }) => id === settings.assistantId);
  const isElsewhere = settings.assistantId !== null && !chosen;
  return (
    <>
      <SelectField
        name="assistant_id"
        label={words.assistant.label}
        value={settings.assistantId ?? ""}
        onChange={(event) => change({ assistantId: event.target.value || null })}
      >
        <option value="">{words.assistant.unsaved}</option>
        {isElsewhere && <option value={settings.assistantId ?? ""}>{settings.assistantId}</option>}
        {assistants.map(({ id, name }) => (
          <option key={id} value={id}>
            {name || id}
          </option>
        ))}
      </SelectField>
      {chosen && (
        <p className={styles.hint}>
          {words.assistant.summary(chosen.model, chosen.tools?.length ?? 0)}{" "}
          <Link href={`/assistants/${chosen.id}`}>{words.assistant.open}</Link>
        </p>
      )}
    </>
  );
}

function UnsavedFields({ settings, change }: SettingsProps) {
  return (
    <>
      <ModelField settings={settings} change={change} />
      <TextAreaField
        name="instructions"
        label={words.assistant.instructions}
        hint={words.assistant.instructionsHint}
        value={settings.instructions}
        onChange={(event) => change({ instructions: event.target.value })}
      />
      <ToolFields settings={settings} change={change} />
      <TextAreaField
        name="tools"
        label={words.assistant.functions}
        hint={
          parseFunctions(settings.functions) === null ? words.assistant.badFunctions : words.assistant.functionsHint
        }
        spellCheck={false}
        className={styles.code}
        value={settings.functions}
        onChange={(event) => change({ functions: event.target.value })}
      />
      {settings.functions === "" && (
        <div>
          <Button size="small" onClick={() => change({ functions: EXAMPLE_FUNCTIONS })}>
            {words.assistant.example}
          </Button>
        </div>
      )}
    </>
  );
}

/** The model; the first one until another is chosen. */
function ModelField({ settings, change }: SettingsProps) {
  const { data } = useQuery({ queryKey: ["models"], queryFn: () => send(api.GET("/v1/models")) });
  const first = data?.data[0]?.id;
  const isUnset = settings.model === "";
  useEffect(() => {
    if (isUnset && first !== undefined) change({ model: first });
  }, [isUnset, first, change]);
  return (
    <>
      <TextField
        name="model"
        label={words.assistant.model}
        list="play-models"
        value={settings.model}
        placeholder={words.assistant.chooseModel}
        onChange={(event) => change({ model: event.target.value })}
      />
      <datalist id="play-models">
        {data?.data.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}

type NumberName = "temperature" | "max_turns" | "max_completion_tokens";

function NumberField({ name, label, settings, change }: SettingsProps & { name: NumberName; label: string }) {
  return (
    <TextField
      name={name}
      label={label}
      inputMode="decimal"
      value={settings[name]}
      onChange={(event) => change({ [name]: event.target.value })}
    />
  );
}
