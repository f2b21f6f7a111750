import { useState } from "react";
import { Link } from "wouter";
import { api, send, sendWhole } from "@/api/client";
import { fromArray, useCommand, useList } from "@/api/queries";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { ErrorBox } from "@/components/ErrorBox";
import { List } from "@/components/List";
import { StatusPill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { formatBytes } from "@/format";
import type { Store, StoreFile } from "./store";
import styles from "./stores.module.css";
import { words } from "./words.en";

const PAGE_SIZE = 100;
const POLL_MS = 1000;

/** The files of a store, with the progress of their ingest. */
export function StoreFiles({ store }: { store: Store }) {
  const [removed, setRemoved] = useState<StoreFile | null>(null);
  const [isBusy, setBusy] = useState(false);
  const list = useList<StoreFile>(
    ["stores", store.id, "files"],
    async (after, signal) => {
      const params = {
        path: { store_id: store.id },
        query: { limit: PAGE_SIZE, ...(after !== undefined && { after }) },
      };
      const page = fromArray(await sendWhole(api.GET("/v1/vector-stores/{store_id}/files", { params, signal })));
      setBusy(page.items.some(({ status }) => status === "in_progress"));
      return page;
    },
    // The store can be ready before this list has been read once more.
    { refetchInterval: isBusy || store.status === "in_progress" ? POLL_MS : false },
  );
  const again = useCommand(
    (file: StoreFile, header) => {
      const params = { path: { store_id: store.id }, header };
      const body = { file_id: file.id, attributes: file.attributes as Record<string, string> };
      return send(api.POST("/v1/vector-stores/{store_id}/files", { params, body }));
    },
    { invalidates: [["stores", store.id]] },
  );
  return (
    <>
      {again.error && <ErrorBox error={again.error} />}
      <List list={list} empty={<p className={styles.soft}>{words.file.empty}</p>}>
        {(files) => (
          <Table
            caption={words.file.title}
            columns={columns(store.id, setRemoved, again.run)}
            rows={files}
            keyOf={({ id }) => id}
          />
        )}
      </List>
      <RemoveFile storeId={store.id} file={removed} onClose={() => setRemoved(null)} />
    </>
  );
}

function columns(
  storeId: string,
  onRemove: (file: StoreFile) => void,
  onAgain: (file: StoreFile) => void,
): Column<StoreFile>[] {
  return [
    { label: words.file.name, render: ({ id, filename }) => <Link href={`/files?id=${id}`}>{filename}</Link> },
    { label: words.file.status, render: (file) => <FileStatus file={file} onAgain={() => onAgain(file)} /> },
    {
      label: words.file.chunks,
      render: ({ id, chunks, filename }) =>
        chunks > 0 ? (
          <Link href={`/stores/${storeId}?file=${id}`}>
            {words.file.showChunks(chunks)}
            <span className="quiet">{words.file.chunksOf(filename)}</span>
          </Link>
        ) : (
          "–"
        ),
    },
    { label: words.size, isNumber: true, render: ({ usage_bytes }) => formatBytes(usage_bytes) },
    { label: words.file.attributes, render: ({ attributes }) => describeAttributes(attributes) },
    {
      label: words.actions,
      render: (file) => (
        <Button size="small" onClick={() => onRemove(file)}>
          {words.file.remove}
          <span className="quiet"> {file.filename}</span>
        </Button>
      ),
    },
  ];
}

function describeAttributes(attributes: StoreFile["attributes"]): string {
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}: ${String(value)}`);
  return pairs.join(", ") || "–";
}

/** The status, with what is done so far, or why it failed and what helps. */
function FileStatus({ file, onAgain }: { file: StoreFile; onAgain: () => void }) {
  const { status, progress, last_error: error, filename } = file;
  return (
    <div className={styles.status}>
      <StatusPill status={status} />
      {status === "in_progress" && (
        <span className={styles.progress}>
          <progress
            aria-label={words.file.progressOf(filename)}
            value={progress.total > 0 ? progress.done : undefined}
            max={Math.max(progress.total, 1)}
          />
          <span>{words.file.progress(progress.done, progress.total)}</span>
        </span>
      )}
      {error != null && (
        <>
          <p>{error.message}</p>
          <p className={styles.soft}>{words.file.helps[error.code]}</p>
          <Button size="small" onClick={onAgain}>
            {words.file.again}
            <span className="quiet"> {filename}</span>
          </Button>
        </>
      )}
      {file.warnings.map((warning) => (
        <p key={warning} className={styles.soft}>
          {warning}
        </p>
      ))}
    </div>
  );
}

interface RemoveFileProps {
  storeId: string;
  file: StoreFile | null;
  onClose: () => void;
}

function RemoveFile({ storeId, file, onClose }: RemoveFileProps) {
  const command = useCommand(
    (fileId: string) => {
      const params = { path: { store_id: storeId, file_id: fileId } };
      return send(api.DELETE("/v1/vector-stores/{store_id}/files/{file_id}", { params }));
    },
    { invalidates: [["stores", storeId]], onSuccess: onClose },
  );
  if (file === null) return null;
  return (
    <ConfirmDialog
      title={words.file.removeTitle(file.filename)}
      isOpen
      onClose={onClose}
      onConfirm={() => command.run(file.id)}
      isBusy={command.isRunning}
      error={command.error}
      action={words.file.remove}
    >
      <p>{words.file.removeText}</p>
    </ConfirmDialog>
  );
}
