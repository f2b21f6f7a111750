import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "wouter";
import { api, send } from "@/api/client";
import { fromList, useCommand, useList } from "@/api/queries";
import type { components } from "@/api/schema";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { IdLink } from "@/components/IdLink";
import { EmptyState, List } from "@/components/List";
import { announce } from "@/components/notices";
import { Page } from "@/components/Page";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { useFilters } from "@/components/useFilters";
import { formatBytes } from "@/format";
import { UploadPanel } from "@/uploads/UploadPanel";
import { FileDialog } from "./FileDialog";
import styles from "./files.module.css";
import { words } from "./words.en";

type StoredFile = components["schemas"]["File"];

const PAGE_SIZE = 50;

/** The files of the user; `id` in the address opens one. */
export default function FilesPage() {
  const [search, setSearch] = useSearchParams();
  const [deleted, setDeleted] = useState<StoredFile | null>(null);
  const client = useQueryClient();
  const purpose = search.get("purpose") ?? "";
  const list = useList<StoredFile>(["files", "list", purpose], async (after, signal) => {
    const query = { limit: PAGE_SIZE, ...(after !== undefined && { after }), ...(purpose !== "" && { purpose }) };
    return fromList(await send(api.GET("/v1/files", { params: { query }, signal })));
  });
  const open = (id: string | null) =>
    setSearch((before) => {
      if (id === null) before.delete("id");
      else before.set("id", id);
      return before;
    });
  const fileId = search.get("id");
  return (
    <Page title={words.title} intro={words.intro}>
      <UploadPanel storeId={null} onUploaded={() => void client.invalidateQueries({ queryKey: ["files"] })} />
      <PurposeFilter purpose={purpose} />
      <List
        list={list}
        empty={purpose ? <p>{words.noMatch}</p> : <EmptyState text={words.empty} code={words.emptyCode} />}
      >
        {(files) => <Table caption={words.title} columns={columns(setDeleted)} rows={files} keyOf={({ id }) => id} />}
      </List>
      {fileId !== null && <FileDialog id={fileId} onClose={() => open(null)} onDelete={setDeleted} />}
      <DeleteFile file={deleted} onClose={() => setDeleted(null)} onDeleted={() => open(null)} />
    </Page>
  );
}

function PurposeFilter({ purpose }: { purpose: string }) {
  const [, setFilter] = useFilters();
  const [typed, setTyped] = useState(purpose);
  return (
    <search>
      <form
        className={styles.filter}
        onSubmit={(event) => {
          event.preventDefault();
          setFilter("purpose", typed);
        }}
      >
        <label htmlFor="purpose">{words.filter}</label>
        <input
          id="purpose"
          className={styles.input}
          value={typed}
          placeholder={words.anyPurpose}
          maxLength={64}
          pattern="[A-Za-z0-9_\-]*"
          data-focus-key
          onChange={({ target }) => setTyped(target.value)}
        />
      </form>
    </search>
  );
}

function columns(onDelete: (file: StoredFile) => void): Column<StoredFile>[] {
  return [
    { label: words.name, render: ({ id, filename }) => <Link href={`/files?id=${id}`}>{filename}</Link> },
    { label: words.type, render: ({ mime_type }) => <code>{mime_type}</code> },
    { label: words.size, isNumber: true, render: ({ bytes }) => formatBytes(bytes) },
    { label: words.purpose, render: ({ purpose }) => purpose },
    {
      label: words.origin,
      render: ({ run_id: runId }) => (runId == null ? words.uploaded : <IdLink id={runId} />),
    },
    { label: words.created, render: ({ created_at }) => <TimeAgo time={created_at} /> },
    {
      label: words.actions,
      render: (file) => (
        <Button size="small" onClick={() => onDelete(file)}>
          {words.delete}
          <span className="quiet"> {file.filename}</span>
        </Button>
      ),
    },
  ];
}

interface DeleteFileProps {
  file: StoredFile | null;
  onClose: () => void;
  onDeleted: () => void;
}

function DeleteFile({ file, onClose, onDeleted }: DeleteFileProps) {
  const command = useCommand(
    async (chosen: StoredFile) => {
      await send(api.DELETE("/v1/files/{file_id}", { params: { path: { file_id: chosen.id } } }));
      return chosen;
    },
    {
      // Not the query of the file itself, which is gone.
      invalidates: [["files", "list"], ["files", "recent"], ["stores"]],
      onSuccess: ({ filename }) => {
        announce(words.deleted(filename));
        onClose();
        onDeleted();
      },
    },
  );
  if (file === null) return null;
  return (
    <ConfirmDialog
      title={words.deleteTitle(file.filename)}
      isOpen
      onClose={onClose}
      onConfirm={() => command.run(file)}
      isBusy={command.isRunning}
      error={command.error}
    >
      <p>{words.deleteText}</p>
    </ConfirmDialog>
  );
}
