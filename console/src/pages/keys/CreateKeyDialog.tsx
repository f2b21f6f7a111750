import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Form, SelectField, TextField } from "@/components/Form";
import { SecretBox } from "@/components/SecretBox";
import { words } from "./words.en";

const DEFAULT_DAYS = "90";

/** Asks for name and expiry, then shows the new key: once, since the server keeps only its hash. */
export function CreateKeyDialog({ userId, onClose }: { userId: string; onClose: () => void }) {
  const [name, setName] = useState("");
  const [days, setDays] = useState(DEFAULT_DAYS);
  const create = useCommand(
    (body: { key_name: string | null; expires_in_days: number | null }, header) =>
      send(api.POST("/v1/users/{user_id}/apikeys", { params: { path: { user_id: userId }, header }, body })),
    { invalidates: [["keys"]] },
  );
  if (create.result) {
    return (
      <Dialog title={words.created} isOpen onClose={onClose} actions={<Button onClick={onClose}>{words.done}</Button>}>
        <p>{words.createdText}</p>
        <SecretBox label={words.key} secret={create.result.plain_key} />
      </Dialog>
    );
  }
  const submit = () => create.run({ key_name: name.trim() || null, expires_in_days: days ? Number(days) : null });
  return (
    <Dialog title={words.create} isOpen onClose={onClose}>
      <Form error={create.error} fields={["key_name", "expires_in_days"]} onSubmit={submit}>
        <TextField
          name="key_name"
          label={words.name}
          hint={words.nameHint}
          value={name}
          onChange={(event) => setName(event.target.value)}
          data-autofocus
        />
        <SelectField
          name="expires_in_days"
          label={words.expiry}
          value={days}
          onChange={(event) => setDays(event.target.value)}
        >
          {words.expiries.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </SelectField>
        <Button type="submit" kind="primary" isBusy={create.isRunning}>
          {words.create}
        </Button>
      </Form>
    </Dialog>
  );
}
