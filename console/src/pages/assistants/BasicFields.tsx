import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { api, send } from "@/api/client";
import { TextAreaField, TextField } from "@/components/Form";
import { Section } from "@/components/Page";
import type { FieldsProps } from "./AssistantEditor";
import { formatMetaData, LIMITS, parseMetaData } from "./draft";
import { words } from "./words.en";

export function BasicFields({ draft, onChange }: FieldsProps) {
  const models = useId();
  const { data } = useQuery({ queryKey: ["models"], queryFn: () => send(api.GET("/v1/models")) });
  const [metaData, setMetaData] = useState(() => formatMetaData(draft.meta_data));
  return (
    <Section title={words.basics}>
      <TextField
        name="name"
        label={words.name}
        value={readText(draft.name)}
        maxLength={LIMITS.name}
        onChange={({ target }) => onChange({ name: target.value })}
      />
      <TextField
        name="model"
        label={words.model}
        hint={words.modelHint}
        value={readText(draft.model)}
        maxLength={LIMITS.model}
        list={models}
        required
        spellCheck={false}
        onChange={({ target }) => onChange({ model: target.value })}
      />
      <datalist id={models}>
        {data?.data.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      <TextAreaField
        name="instructions"
        label={words.instructions}
        hint={words.instructionsHint}
        value={readText(draft.instructions)}
        maxLength={LIMITS.instructions}
        dir="auto"
        onChange={({ target }) => onChange({ instructions: target.value })}
      />
      <TextField
        name="description"
        label={words.description}
        hint={words.descriptionHint}
        value={readText(draft.description)}
        maxLength={LIMITS.description}
        onChange={({ target }) => onChange({ description: target.value || null })}
      />
      <TextAreaField
        name="meta_data"
        label={words.metaData}
        hint={words.metaDataHint}
        value={metaData}
        rows={2}
        onChange={({ target }) => {
          setMetaData(target.value);
          onChange({ meta_data: parseMetaData(target.value) });
        }}
      />
    </Section>
  );
}

/** A field of the draft as text; the JSON view can have put anything there. */
export function readText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
