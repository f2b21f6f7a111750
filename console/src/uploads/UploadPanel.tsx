import { type DragEvent, useEffect, useId, useRef, useState } from "react";
import { useHealth } from "@/api/queries";
import { Button, IconButton } from "@/components/Button";
import { classes } from "@/components/classes";
import { ErrorBox } from "@/components/ErrorBox";
import { announce } from "@/components/notices";
import { formatBytes, formatNumber } from "@/format";
import { words } from "@/words";
import { addUploads, cancelUpload, dismissUpload, retryUpload, type UploadItem, useUploads } from "./queue";
import styles from "./uploads.module.css";

interface UploadPanelProps {
  /** The vector store that the files are added to, null if they are only uploaded. */
  storeId: string | null;
  /** Called after each upload. */
  onUploaded: () => void;
}

/** A place to drop or choose files, and the progress of their uploads. */
export function UploadPanel({ storeId, onUploaded }: UploadPanelProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const maxBytes = useHealth().data?.max_file ?? undefined;
  const items = useUploads(storeId);
  useOnUploaded(items, onUploaded);

  const add = (files: FileList | null) => {
    if (files?.length) addUploads(files, storeId, maxBytes);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    add(event.dataTransfer.files);
  };
  return (
    <div className={styles.panel}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside does the same by keyboard. */}
      <div
        className={classes(styles.drop, isOver && styles.over)}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <Button icon="plus" onClick={() => input.current?.click()}>
          {words.upload.choose}
        </Button>
        <span>{words.upload.drop(maxBytes)}</span>
        <label htmlFor={id} className="quiet">
          {words.upload.files}
        </label>
        <input
          ref={input}
          id={id}
          type="file"
          multiple
          hidden
          onChange={({ target }) => {
            add(target.files);
            target.value = "";
          }}
        />
      </div>
      {items.length > 0 && (
        <ul className={styles.items} aria-label={words.upload.list}>
          {items.map((item) => (
            <li key={item.id} className={styles.item}>
              <Item item={item} maxBytes={maxBytes} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Item({ item, maxBytes }: { item: UploadItem; maxBytes: number | undefined }) {
  const { id, file, status, share, error } = item;
  const isOpen = status === "waiting" || status === "sending";
  return (
    <>
      <div className={styles.line}>
        <bdi className={styles.name}>{file.name}</bdi>
        <span className={styles.state}>{describe(item)}</span>
        {isOpen && (
          <Button size="small" onClick={() => cancelUpload(id)}>
            {words.dialog.cancel}
            <span className="quiet"> {file.name}</span>
          </Button>
        )}
        {(status === "failed" || status === "canceled") && (
          <Button size="small" onClick={() => retryUpload(id)}>
            {words.error.retry}
            <span className="quiet"> {file.name}</span>
          </Button>
        )}
        {!isOpen && (
          <IconButton
            size="small"
            icon="close"
            label={words.upload.dismiss(file.name)}
            onClick={() => dismissUpload(id)}
          />
        )}
      </div>
      {isOpen && <progress className={styles.progress} value={share} max={1} aria-label={file.name} />}
      {status === "failed" && <ErrorBox error={error} />}
      {status === "too_large" && (
        <p role="alert" className={styles.refused}>
          {words.upload.tooLarge(maxBytes ?? 0)}
        </p>
      )}
    </>
  );
}

function describe({ status, share, file }: UploadItem): string {
  if (status !== "sending") return `${formatBytes(file.size)} · ${words.upload.status[status]}`;
  const percent = formatNumber(Math.floor(share * 100));
  return words.upload.sending(formatBytes(share * file.size), formatBytes(file.size), percent);
}

/** Report uploads that have ended, also while the page was closed. */
function useOnUploaded(items: UploadItem[], onUploaded: () => void): void {
  const latest = useRef(onUploaded);
  latest.current = onUploaded;
  const announced = useRef(new Set<number>());
  useEffect(() => {
    const ended = items.filter(({ id, status }) => status === "done" && !announced.current.has(id));
    if (ended.length === 0) return;
    for (const { id } of ended) announced.current.add(id);
    latest.current();
    announce(words.upload.announce(ended.map(({ file }) => file.name).join(", ")), "quiet");
  }, [items]);
}
