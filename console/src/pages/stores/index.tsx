import { useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { api, send, sendWhole } from "@/api/client";
import { fromArray, useCommand, useList } from "@/api/queries";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Form, TextField } from "@/components/Form";
import { EmptyState, List } from "@/components/List";
import { Page } from "@/components/Page";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { formatBytes } from "@/format";
import { words as shared } from "@/words";
import { DeleteStore } from "./DeleteStore";
import { StoreDetail } from "./StoreDetail";
import { StoreStatus } from "./StoreStatus";
import { nameOf, type Store } from "./store";
import { words } from "./words.en";

const PAGE_SIZE = 100;
const POLL_MS = 2000;

/** The vector stores of the user, or one of them. */
export default function StoresPage() {
  const { id } = useParams();
  return id === undefined ? <StoreList /> : <StoreDetail key={id} id={id} />;
}

function StoreList() {
  const [isCreating, setCreating] = useState(false);
  const [deleted, setDeleted] = useState<Store | null>(null);
  const [isBusy, setBusy] = useState(false);
  const list = useList<Store>(
    ["stores", "list"],
    async (after, signal) => {
      const query = { limit: PAGE_SIZE, ...(after !== undefined && { after }) };
      const page = fromArray(await sendWhole(api.GET("/v1/vector-stores", { params: { query }, signal })));
      setBusy(page.items.some(({ status }) => status === "in_progress"));
      return page;
    },
    { refetchInterval: isBusy ? POLL_MS : false },
  );
  const create = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      {words.create}
    </Button>
  );
  const isEmpty = list.items?.length === 0;
  return (
    <Page title={words.title} intro={words.intro} actions={isEmpty ? undefined : create}>
      <List list={list} empty={<EmptyState text={words.empty} action={create} code={words.emptyCode} />}>
        {(stores) => <Table caption={words.title} columns={columns(setDeleted)} rows={stores} keyOf={({ id }) => id} />}
      </List>
      <CreateStore isOpen={isCreating} onClose={() => setCreating(false)} />
      <DeleteStore store={deleted} onClose={() => setDeleted(null)} />
    </Page>
  );
}

function columns(onDelete: (store: Store) => void): Column<Store>[] {
  return [
    { label: words.name, render: (store) => <Link href={`/stores/${store.id}`}>{nameOf(store)}</Link> },
    { label: words.status, render: (store) => <StoreStatus store={store} /> },
    { label: words.files, render: ({ file_counts }) => words.counts(file_counts) },
    { label: words.size, isNumber: true, render: ({ usage_bytes }) => formatBytes(usage_bytes) },
    { label: words.mode, render: ({ search_mode }) => words.modes[search_mode] },
    { label: words.lastUsed, render: ({ last_active_at }) => <TimeAgo time={last_active_at} /> },
    {
      label: words.actions,
      render: (store) => (
        <Button size="small" onClick={() => onDelete(store)}>
          {words.delete}
          <span className="quiet"> {nameOf(store)}</span>
        </Button>
      ),
    },
  ];
}

function CreateStore({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [, goTo] = useLocation();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [days, setDays] = useState("");
  const command = useCommand(
    (_: null, header) => {
      const body = {
        name,
        description: description || null,
        expires_after: days === "" ? null : { anchor: "last_active_at" as const, days: Number(days) },
        distance_metric: "COSINE" as const,
      };
      return send(api.POST("/v1/vector-stores", { body, params: { header } }));
    },
    { invalidates: [["stores"]], onSuccess: ({ id }) => goTo(`/stores/${id}`) },
  );
  return (
    <Dialog title={words.create} isOpen={isOpen} onClose={onClose}>
      <Form fields={["name", "description", "expires_after"]} error={command.error} onSubmit={() => command.run(null)}>
        <TextField
          name="name"
          label={words.name}
          value={name}
          maxLength={256}
          data-autofocus
          onChange={({ target }) => setName(target.value)}
        />
        <TextField
          name="description"
          label={words.description}
          value={description}
          maxLength={256}
          onChange={({ target }) => setDescription(target.value)}
        />
        <TextField
          name="expires_after"
          label={words.expiryDays}
          hint={words.expiryHint}
          type="number"
          min={1}
          max={365}
          value={days}
          onChange={({ target }) => setDays(target.value)}
        />
        <div>
          <Button kind="primary" type="submit" isBusy={command.isRunning}>
            {words.createSubmit}
          </Button>{" "}
          <Button onClick={onClose}>{shared.dialog.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}
