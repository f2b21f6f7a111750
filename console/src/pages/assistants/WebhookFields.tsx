import { CheckField, TextField } from "@/components/Form";
import { Section } from "@/components/Page";
import type { FieldsProps } from "./AssistantEditor";
import styles from "./assistants.module.css";
import { readText } from "./BasicFields";
import { EVENTS, LIMITS } from "./draft";
import { words } from "./words.en";

export function WebhookFields({ draft, onChange }: FieldsProps) {
  const events = Array.isArray(draft.webhook_events) ? (draft.webhook_events as string[]) : [];
  const choose = (event: string, isChosen: boolean) => {
    const others = events.filter((one) => one !== event);
    const next = isChosen ? [...others, event] : others;
    onChange({ webhook_events: next.length > 0 ? next : null });
  };
  return (
    <Section title={words.webhook}>
      <TextField
        name="webhook_url"
        label={words.webhookUrl}
        hint={words.webhookHint}
        type="url"
        value={readText(draft.webhook_url)}
        maxLength={LIMITS.webhookUrl}
        onChange={({ target }) => onChange({ webhook_url: target.value || null })}
      />
      {draft.webhook_url != null && (
        <>
          <fieldset className={styles.choices}>
            <legend>{words.webhookEvents}</legend>
            {EVENTS.map((event) => (
              <CheckField
                key={event}
                label={<code>{event}</code>}
                checked={events.includes(event)}
                onChange={({ target }) => choose(event, target.checked)}
              />
            ))}
          </fieldset>
          <TextField
            name="webhook_secret"
            label={words.webhookSecret}
            hint={words.webhookSecretHint}
            type="password"
            autoComplete="new-password"
            value={readText(draft.webhook_secret)}
            maxLength={LIMITS.webhookSecret}
            onChange={({ target }) => onChange({ webhook_secret: target.value || undefined })}
          />
        </>
      )}
    </Section>
  );
}
