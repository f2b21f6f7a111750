import { SelectField, TextField } from "@/components/Form";
import { Section } from "@/components/Page";
import type { FieldsProps } from "./AssistantEditor";
import styles from "./assistants.module.css";
import { readText } from "./BasicFields";
import { EFFORTS, LIMITS } from "./draft";
import { words } from "./words.en";

export function ModelFields({ draft, onChange }: FieldsProps) {
  return (
    <Section title={words.sampling}>
      <div className={styles.grid}>
        <TextField
          name="temperature"
          label={words.temperature}
          hint={words.temperatureHint}
          type="number"
          min={0}
          max={LIMITS.temperature}
          step="any"
          value={readText(draft.temperature)}
          onChange={({ target }) => onChange({ temperature: readNumber(target.value) })}
        />
        <TextField
          name="top_p"
          label={words.topP}
          hint={words.topPHint}
          type="number"
          min={0}
          max={LIMITS.topP}
          step="any"
          value={readText(draft.top_p)}
          onChange={({ target }) => onChange({ top_p: readNumber(target.value) })}
        />
        <SelectField
          name="reasoning_effort"
          label={words.effort}
          value={readText(draft.reasoning_effort)}
          onChange={({ target }) => onChange({ reasoning_effort: target.value || null })}
        >
          <option value="">{words.effortDefault}</option>
          {EFFORTS.map((effort) => (
            <option key={effort} value={effort}>
              {effort}
            </option>
          ))}
        </SelectField>
        <TextField
          name="max_tokens"
          label={words.maxTokens}
          hint={words.maxTokensHint(LIMITS.maxTokens)}
          type="number"
          min={1}
          max={LIMITS.maxTokens}
          value={readText(draft.max_tokens)}
          onChange={({ target }) => onChange({ max_tokens: readNumber(target.value) ?? undefined })}
        />
        {typeof (draft.response_format ?? "") === "string" && (
          <TextField
            name="response_format"
            label={words.format}
            hint={words.formatHint}
            value={readText(draft.response_format)}
            maxLength={LIMITS.responseFormat}
            onChange={({ target }) => onChange({ response_format: target.value || null })}
          />
        )}
      </div>
    </Section>
  );
}

function readNumber(text: string): number | null {
  return text === "" ? null : Number(text);
}
