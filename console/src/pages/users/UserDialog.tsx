import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import type { components } from "@/api/schema";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { CheckField, Form, TextField } from "@/components/Form";
import { announce } from "@/components/notices";
import { fromTexts, LIMITS, nameOf, toTexts, type User } from "./limits";
import styles from "./users.module.css";
import { words } from "./words.en";

/** Creates a user, or changes one. */
export function UserDialog({ user, onClose }: { user: User | undefined; onClose: () => void }) {
  const [fullName, setFullName] = useState(user?.full_name ?? "");
  const [email, setEmail] = useState(user?.email ?? "");
  const [isAdmin, setAdmin] = useState(user?.is_admin ?? false);
  const [limits, setLimits] = useState(toTexts(user));
  const save = useCommand((body: UserFields, header) => saveUser(user?.id, body, header), {
    invalidates: [["users"]],
    onSuccess: () => {
      announce(words.saved);
      onClose();
    },
  });
  const submit = () =>
    save.run({
      full_name: fullName.trim() || null,
      email: email.trim() || null,
      is_admin: isAdmin,
      limits: fromTexts(limits),
    });
  const fields = ["full_name", "email", ...LIMITS.map((name) => `limits.${name}`)];
  return (
    <Dialog title={user ? nameOf(user) : words.create} isOpen isWide onClose={onClose}>
      <Form error={save.error} fields={fields} onSubmit={submit}>
        <TextField
          name="full_name"
          label={words.name}
          value={fullName}
          onChange={(event) => setFullName(event.target.value)}
          data-autofocus
        />
        <TextField
          name="email"
          label={words.email}
          type="email"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <CheckField label={words.isAdmin} checked={isAdmin} onChange={(event) => setAdmin(event.target.checked)} />
        <fieldset className={styles.limits}>
          <legend>{words.limitsTitle}</legend>
          <p>{words.limitsHint}</p>
          {LIMITS.map((name) => (
            <TextField
              key={name}
              name={`limits.${name}`}
              label={name.replaceAll("_", " ")}
              type="number"
              min={0}
              step="any"
              value={limits[name] ?? ""}
              onChange={(event) => setLimits({ ...limits, [name]: event.target.value })}
            />
          ))}
        </fieldset>
        <Button type="submit" kind="primary" isBusy={save.isRunning}>
          {words.save}
        </Button>
      </Form>
    </Dialog>
  );
}

interface UserFields {
  full_name: string | null;
  email: string | null;
  is_admin: boolean;
  limits: ReturnType<typeof fromTexts>;
}

function saveUser(id: string | undefined, fields: UserFields, header: { "Idempotency-Key": string }): Promise<User> {
  if (id === undefined) {
    const body = { ...fields, oauth_provider: "local" };
    return send(api.POST("/v1/users", { params: { header }, body }));
  }
  // Only the given fields change, though the schema lists those with defaults as required.
  const body = fields as components["schemas"]["UserUpdate"];
  return send(api.PUT("/v1/users/{user_id}", { params: { path: { user_id: id } }, body }));
}
