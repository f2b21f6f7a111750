import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { Button, LinkButton } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Dialog } from "@/components/Dialog";
import { ErrorBox } from "@/components/ErrorBox";
import { Skeleton } from "@/components/List";
import { announce } from "@/components/notices";
import { Page } from "@/components/Page";
import { AssistantEditor } from "./AssistantEditor";
import { type Assistant, type AssistantBody, type Draft, findChanges, NEW_ASSISTANT, toDraft } from "./draft";
import { words } from "./words.en";

/** A new assistant. */
export function NewAssistant() {
  const [, goTo] = useLocation();
  const [made, setMade] = useState<Assistant | null>(null);
  const command = useCommand(
    (draft: Draft, header) => {
      const body = draft as unknown as AssistantBody & { model: string };
      return send(api.POST("/v1/assistants", { body, params: { header } }));
    },
    {
      invalidates: [["assistants"]],
      onSuccess: (assistant) => {
        announce(words.saved);
        if (assistant.webhook_secret) setMade(assistant);
        else goTo(`/assistants/${assistant.id}`);
      },
    },
  );
  return (
    <Page title={words.create} intro={words.intro}>
      <AssistantEditor
        draft={NEW_ASSISTANT}
        submit={words.createSubmit}
        command={{ ...command, run: (draft) => command.run(dropEmpty(draft)) }}
      />
      <Secret value={made?.webhook_secret} onClose={() => goTo(`/assistants/${made?.id}`)} />
    </Page>
  );
}

/** An assistant, and what changes it. */
export function AssistantDetail({ id }: { id: string }) {
  const [isDeleting, setDeleting] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["assistants", "one", id],
    queryFn: ({ signal }) =>
      send(api.GET("/v1/assistants/{assistant_id}", { params: { path: { assistant_id: id } }, signal })),
  });
  if (!data) {
    return (
      <Page title={words.title}>
        {error ? <ErrorBox error={error} onRetry={() => void refetch()} /> : <Skeleton />}
      </Page>
    );
  }
  return (
    <Page
      title={data.name || words.unnamed}
      intro={<code>{id}</code>}
      actions={
        <>
          <LinkButton to={`/play?assistant=${id}`} kind="primary" icon="play">
            {words.try}
          </LinkButton>
          <Button kind="danger" onClick={() => setDeleting(true)}>
            {words.delete}
          </Button>
        </>
      }
    >
      <Change assistant={data} />
      <DeleteAssistant assistant={data} isOpen={isDeleting} onClose={() => setDeleting(false)} />
    </Page>
  );
}

function Change({ assistant }: { assistant: Assistant }) {
  const [secret, setSecret] = useState<string | null | undefined>(null);
  const params = { path: { assistant_id: assistant.id } };
  const command = useCommand(
    (draft: Draft) => {
      const body = findChanges(draft, assistant) as unknown as AssistantBody;
      return send(api.PUT("/v1/assistants/{assistant_id}", { params, body }));
    },
    {
      invalidates: [["assistants"]],
      onSuccess: (changed) => {
        announce(words.saved);
        setSecret(changed.webhook_secret);
      },
    },
  );
  return (
    <>
      {assistant.webhook_disabled_at != null && <p role="alert">{words.webhookDisabled}</p>}
      <AssistantEditor
        // Saved changes of this page or of others begin a new draft.
        key={JSON.stringify(toDraft(assistant))}
        draft={toDraft(assistant)}
        submit={words.save}
        command={command}
      />
      <Secret value={secret} onClose={() => setSecret(null)} />
    </>
  );
}

/** A secret that the server returns once. */
function Secret({ value, onClose }: { value: string | null | undefined; onClose: () => void }) {
  return (
    <Dialog
      title={words.secretTitle}
      isOpen={value != null}
      onClose={onClose}
      canClose={false}
      actions={
        <Button kind="primary" onClick={onClose}>
          {words.done}
        </Button>
      }
    >
      <p>{words.secretText}</p>
      <CodeBlock code={value ?? ""} />
    </Dialog>
  );
}

interface DeleteAssistantProps {
  assistant: Assistant;
  isOpen: boolean;
  onClose: () => void;
}

function DeleteAssistant({ assistant, isOpen, onClose }: DeleteAssistantProps) {
  const [, goTo] = useLocation();
  const name = assistant.name || words.unnamed;
  const command = useCommand(
    (assistantId: string) =>
      send(api.DELETE("/v1/assistants/{assistant_id}", { params: { path: { assistant_id: assistantId } } })),
    {
      invalidates: [["assistants", "list"]],
      onSuccess: () => {
        announce(words.deleted(name));
        goTo("/assistants");
      },
    },
  );
  return (
    <ConfirmDialog
      title={words.deleteTitle(name)}
      isOpen={isOpen}
      onClose={onClose}
      onConfirm={() => command.run(assistant.id)}
      isBusy={command.isRunning}
      error={command.error}
    >
      <p>{words.deleteText}</p>
    </ConfirmDialog>
  );
}

/** A new assistant has no fields that are empty, so the defaults of the server apply. */
function dropEmpty(draft: Draft): Draft {
  const isEmpty = (value: unknown) => value === "" || value === null || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(draft).filter(([name, value]) => name === "model" || !isEmpty(value)));
}
