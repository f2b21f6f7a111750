import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand, useList } from "@/api/queries";
import type { components } from "@/api/schema";
import { useIdentity } from "@/api/session";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { EmptyState, List } from "@/components/List";
import { announce } from "@/components/notices";
import { Page } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { CreateKeyDialog } from "./CreateKeyDialog";
import { words } from "./words.en";

type Key = components["schemas"]["Key"];

/** The API keys of the user. */
export default function KeysPage() {
  const identity = useIdentity();
  const userId = identity?.userId ?? "";
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const list = useList(["keys", userId], async (_after, signal) => {
    const path = { user_id: userId };
    const { keys } = await send(api.GET("/v1/users/{user_id}/apikeys", { params: { path }, signal }));
    return { items: keys, hasMore: false, lastId: null };
  });
  const create = (
    <Button kind="primary" onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  );
  return (
    <Page title={words.title} intro={words.intro} actions={create}>
      <List list={list} empty={<EmptyState text={words.empty} code={words.code(userId)} />}>
        {(keys) => (
          <Table
            caption={words.caption}
            columns={listColumns(identity?.prefix, setRevoking)}
            rows={keys}
            keyOf={({ prefix }) => prefix}
          />
        )}
      </List>
      {isCreating && <CreateKeyDialog userId={userId} onClose={() => setCreating(false)} />}
      {revoking && (
        <RevokeDialog
          apiKey={revoking}
          isOwn={revoking.prefix === identity?.prefix}
          onClose={() => setRevoking(null)}
        />
      )}
    </Page>
  );
}

function listColumns(ownPrefix: string | undefined, onRevoke: (key: Key) => void): Column<Key>[] {
  return [
    { label: words.prefix, render: ({ prefix }) => <code data-copy={prefix}>{prefix}</code> },
    {
      label: words.name,
      render: ({ key_name, prefix }) => (
        <span>
          {key_name ?? words.unnamed} {prefix === ownPrefix && <Pill tone="info">{words.thisBrowser}</Pill>}
        </span>
      ),
    },
    { label: words.lastUsed, render: ({ last_used_at }) => <MaybeTime time={last_used_at} /> },
    { label: words.expires, render: ({ expires_at }) => <MaybeTime time={expires_at} /> },
    {
      label: words.actions,
      render: (key) => (
        <Button size="small" aria-label={words.revokeOne(key.prefix)} onClick={() => onRevoke(key)}>
          {words.revoke}
        </Button>
      ),
    },
  ];
}

function MaybeTime({ time }: { time: string | null | undefined }) {
  return time == null ? <span>{words.never}</span> : <TimeAgo time={time} />;
}

function RevokeDialog({ apiKey, isOwn, onClose }: { apiKey: Key; isOwn: boolean; onClose: () => void }) {
  const path = { user_id: apiKey.user_id, prefix: apiKey.prefix };
  const revoke = useCommand(
    (_: undefined, _header) => send(api.DELETE("/v1/users/{user_id}/apikeys/{prefix}", { params: { path } })),
    {
      invalidates: [["keys"]],
      onSuccess: () => {
        announce(words.revoked);
        onClose();
      },
    },
  );
  return (
    <ConfirmDialog
      title={words.revokeTitle}
      isOpen
      onClose={onClose}
      onConfirm={() => revoke.run(undefined)}
      isBusy={revoke.isRunning}
      error={revoke.error}
      action={words.revoke}
    >
      <p>{words.revokeText(apiKey.key_name ?? apiKey.prefix)}</p>
      {isOwn && <p>{words.revokeOwn}</p>}
    </ConfirmDialog>
  );
}
