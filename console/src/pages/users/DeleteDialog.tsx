import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Form, TextField } from "@/components/Form";
import { announce } from "@/components/notices";
import { nameOf, type User } from "./limits";
import { words } from "./words.en";

/** Deletes a user, once the name is typed. */
export function DeleteDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const name = nameOf(user);
  const params = { path: { user_id: user.id } };
  const remove = useCommand((_: undefined, _header) => send(api.DELETE("/v1/users/{user_id}", { params })), {
    invalidates: [["users"]],
    onSuccess: () => {
      announce(words.deleted);
      onClose();
    },
  });
  const submit = () => {
    if (typed === name) remove.run(undefined);
  };
  return (
    <Dialog title={words.deleteTitle} isOpen onClose={onClose}>
      <Form error={remove.error} fields={[]} onSubmit={submit}>
        <p>{words.deleteText}</p>
        <TextField
          name="confirmation"
          label={words.typeName(name)}
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          data-autofocus
        />
        <Button type="submit" kind="danger" disabled={typed !== name} isBusy={remove.isRunning}>
          {words.delete}
        </Button>
      </Form>
    </Dialog>
  );
}
