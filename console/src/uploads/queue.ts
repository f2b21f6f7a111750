/** The uploads of this tab: two at a time, and they continue while the user is on other pages. */

import { useSyncExternalStore } from "react";
import { api, newIdempotencyKey, send } from "@/api/client";
import { getSession } from "@/api/session";
import { uploadFile } from "@/api/uploads";

const MAX_AT_ONCE = 2;

export interface UploadItem {
  id: number;
  file: File;
  /** The vector store that the file is added to, null if it is only uploaded. */
  storeId: string | null;
  status: "waiting" | "sending" | "done" | "failed" | "canceled" | "too_large";
  /** The share that is sent, from 0 to 1. */
  share: number;
  error: unknown;
  fileId: string | null;
  userId: string | undefined;
  /** An upload in parts, which a retry resumes. */
  uploadId: string | undefined;
}

const listeners = new Set<() => void>();
const controllers = new Map<number, AbortController>();
let items: UploadItem[] = [];
let last = 0;

/** Upload files. One that is larger than the server accepts is not sent. */
export function addUploads(files: Iterable<File>, storeId: string | null, maxBytes: number | undefined): void {
  const added = Array.from(files, (file): UploadItem => {
    const isTooLarge = maxBytes !== undefined && file.size > maxBytes;
    return {
      id: ++last,
      file,
      storeId,
      status: isTooLarge ? "too_large" : "waiting",
      share: 0,
      error: null,
      fileId: null,
      userId: getUserId(),
      uploadId: undefined,
    };
  });
  set([...items, ...added]);
  startNext();
}

/** Cancel an upload; the server drops what it has of it. */
export function cancelUpload(id: number): void {
  change(id, { status: "canceled" });
  controllers.get(id)?.abort();
  const uploadId = items.find((item) => item.id === id)?.uploadId;
  if (uploadId === undefined) return;
  change(id, { uploadId: undefined });
  const params = { path: { upload_id: uploadId } };
  // What is left of a canceled upload expires within an hour.
  send(api.POST("/v1/file-uploads/{upload_id}/cancel", { params })).catch(() => undefined);
}

/** Try a failed or canceled upload again; one in parts continues with the missing ones. */
export function retryUpload(id: number): void {
  change(id, { status: "waiting", error: null });
  startNext();
}

/** Remove an upload that has ended from the list. */
export function dismissUpload(id: number): void {
  set(items.filter((item) => item.id !== id));
}

/** The uploads of the current user to a vector store; null: those to none. */
export function useUploads(storeId: string | null): UploadItem[] {
  const all = useSyncExternalStore(subscribe, () => items);
  const userId = getUserId();
  return all.filter((item) => item.storeId === storeId && item.userId === userId);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function getUserId(): string | undefined {
  const session = getSession();
  return session[session.acting]?.userId;
}

function startNext(): void {
  const free = MAX_AT_ONCE - items.filter(({ status }) => status === "sending").length;
  const next = items.filter(({ status }) => status === "waiting").slice(0, Math.max(free, 0));
  for (const item of next) {
    change(item.id, { status: "sending" });
    void start(item);
  }
}

async function start({ id, file, storeId, fileId: sentId, uploadId }: UploadItem): Promise<void> {
  const controller = new AbortController();
  controllers.set(id, controller);
  try {
    const fileId = sentId ?? (await upload(id, file, uploadId, controller.signal));
    if (storeId !== null) await addToStore(storeId, fileId);
    change(id, { status: "done", share: 1 });
  } catch (error) {
    if (!controller.signal.aborted) change(id, { status: "failed", error });
  } finally {
    controllers.delete(id);
    startNext();
  }
}

async function upload(id: number, file: File, resume: string | undefined, signal: AbortSignal): Promise<string> {
  const onProgress = (share: number) => change(id, { share });
  const onBegin = (uploadId: string) => change(id, { uploadId });
  const { id: fileId } = await uploadFile(file, { onProgress, signal, resume, onBegin });
  change(id, { fileId, uploadId: undefined });
  return fileId;
}

async function addToStore(storeId: string, fileId: string): Promise<void> {
  const params = { path: { store_id: storeId }, header: { "Idempotency-Key": newIdempotencyKey() } };
  await send(api.POST("/v1/vector-stores/{store_id}/files", { params, body: { file_id: fileId } }));
}

function change(id: number, changes: Partial<UploadItem>): void {
  set(items.map((item) => (item.id === id ? { ...item, ...changes } : item)));
}

function set(next: UploadItem[]): void {
  items = next;
  for (const listener of listeners) listener();
}
