import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand, useList } from "@/api/queries";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Dialog } from "@/components/Dialog";
import { ErrorBox } from "@/components/ErrorBox";
import { EmptyState, List } from "@/components/List";
import { announce } from "@/components/notices";
import { Section } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { SecretBox } from "@/components/SecretBox";
import { type Column, Table } from "@/components/Table";
import { type Assistant, loadReceivers } from "./assistants";
import { words } from "./words.en";

/** The assistants with a webhook: test it, rotate its secret. */
export function Receivers() {
  const [rotating, setRotating] = useState<Assistant | null>(null);
  const list = useList(["assistants", "with webhook"], loadReceivers);
  const test = useCommand(
    (assistant_id: string, header) =>
      send(api.POST("/v1/assistants/{assistant_id}/webhook/test", { params: { path: { assistant_id }, header } })),
    { invalidates: [["deliveries"]], onSuccess: () => announce(words.tested) },
  );
  const empty = <EmptyState text={words.noReceivers} code={words.code("asst_…")} />;
  return (
    <Section title={words.receivers}>
      {test.error && <ErrorBox error={test.error} />}
      <List list={list} empty={empty}>
        {(assistants) => (
          <Table
            caption={words.receivers}
            columns={listColumns(test.run, setRotating)}
            rows={assistants}
            keyOf={({ id }) => id}
          />
        )}
      </List>
      {rotating && <RotateDialog id={rotating.id} onClose={() => setRotating(null)} />}
    </Section>
  );
}

function listColumns(onTest: (id: string) => void, onRotate: (one: Assistant) => void): Column<Assistant>[] {
  return [
    { label: words.assistant, render: ({ name, id }) => <span data-copy={id}>{name || id}</span> },
    {
      label: words.url,
      render: ({ webhook_url, webhook_disabled_at }) => (
        <span>
          <code>{webhook_url}</code> {webhook_disabled_at != null && <Pill tone="bad">{words.disabled}</Pill>}
        </span>
      ),
    },
    {
      label: words.actions,
      render: (one) => (
        <span>
          <Button size="small" aria-label={words.testOne(one.name || one.id)} onClick={() => onTest(one.id)}>
            {words.test}
          </Button>{" "}
          <Button size="small" aria-label={words.rotateOne(one.name || one.id)} onClick={() => onRotate(one)}>
            {words.rotate}
          </Button>
        </span>
      ),
    },
  ];
}

function RotateDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const path = { assistant_id: id };
  const rotate = useCommand((_: undefined, header) =>
    send(api.POST("/v1/assistants/{assistant_id}/webhook/rotate", { params: { path, header }, body: null })),
  );
  if (rotate.result) {
    return (
      <Dialog title={words.rotated} isOpen onClose={onClose} actions={<Button onClick={onClose}>{words.done}</Button>}>
        <p>{words.rotatedText}</p>
        <SecretBox label={words.secret} secret={rotate.result.webhook_secret} />
      </Dialog>
    );
  }
  return (
    <ConfirmDialog
      title={words.rotateTitle}
      isOpen
      onClose={onClose}
      onConfirm={() => rotate.run(undefined)}
      isBusy={rotate.isRunning}
      error={rotate.error}
      action={words.rotate}
    >
      <p>{words.rotateText}</p>
    </ConfirmDialog>
  );
}
