/** Uploads with progress: `fetch` does not report how much it has sent, so these are XMLHttpRequests. */

import { api, newIdempotencyKey, send } from "./client";
import { ApiError, isTemporary, ServerAway } from "./errors";
import type { components } from "./schema";
import { getSession, rejectKey } from "./session";

export type StoredFile = components["schemas"]["File"];
type Upload = components["schemas"]["Upload"];

const SINGLE_BYTES = 32 << 20;
const PART_BYTES = 8 << 20;
const MAX_CUTS = 4;
const LONGEST_WAIT_MS = 8000;

export interface UploadOptions {
  /** The share that is sent, from 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
  /** An upload in parts to resume. */
  resume?: string | undefined;
  /** Called with the id of an upload in parts, which can be resumed for an hour. */
  onBegin?: (uploadId: string) => void;
}

/** Upload a file; above 32 MB in parts, which continue after a cut.
 *
 * @throws {ApiError} the server rejected it.
 * @throws {ServerAway} the connection broke.
 * @throws {DOMException} `AbortError`: the signal was aborted.
 */
export function uploadFile(file: File, options: UploadOptions): Promise<StoredFile> {
  return file.size > SINGLE_BYTES ? uploadInParts(file, options) : uploadWhole(file, options);
}

function uploadWhole(file: File, { onProgress, signal }: UploadOptions): Promise<StoredFile> {
  const body = new FormData();
  body.append("file", file);
  return sendForm<StoredFile>("/v1/files", body, (sent, total) => onProgress(total > 0 ? sent / total : 0), signal);
}

async function uploadInParts(file: File, options: UploadOptions): Promise<StoredFile> {
  const { onProgress, signal, resume, onBegin } = options;
  let upload = resume === undefined ? await begin(file) : await retrieve(resume);
  onBegin?.(upload.id);
  let cuts = 0;
  while (upload.file == null && countBytes(upload) < file.size) {
    const start = countBytes(upload);
    try {
      signal.throwIfAborted();
      const body = new FormData();
      body.append("data", file.slice(start, start + PART_BYTES));
      const onPart = (sent: number) => onProgress(Math.min((start + sent) / file.size, 1));
      await sendForm(`/v1/file-uploads/${upload.id}/parts`, body, onPart, signal, `${upload.id}-${start}`);
      cuts = 0;
    } catch (error) {
      if (!isTemporary(error) || ++cuts > MAX_CUTS) throw error;
      await wait(Math.min(500 * 2 ** cuts, LONGEST_WAIT_MS), signal);
    }
    // After a cut, only the server knows which parts it has.
    upload = await retrieve(upload.id);
  }
  return upload.file ?? (await complete(upload));
}

function begin(file: File): Promise<Upload> {
  const body = { filename: file.name, bytes: file.size, purpose: "assistants" };
  return send(api.POST("/v1/file-uploads", { body, params: { header: { "Idempotency-Key": newIdempotencyKey() } } }));
}

function retrieve(uploadId: string): Promise<Upload> {
  return send(api.GET("/v1/file-uploads/{upload_id}", { params: { path: { upload_id: uploadId } } }));
}

async function complete(upload: Upload): Promise<StoredFile> {
  const done = await send(
    api.POST("/v1/file-uploads/{upload_id}/complete", {
      params: { path: { upload_id: upload.id } },
      body: { part_ids: upload.parts.map(({ id }) => id) },
    }),
  );
  if (done.file == null) throw new Error(`The upload ${upload.id} was completed without a file.`);
  return done.file;
}

function countBytes(upload: Upload): number {
  return upload.parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** Post a form, and return the JSON of the response. `onProgress` gets bytes that are sent, and their total. */
function sendForm<T>(
  path: string,
  body: FormData,
  onProgress: (sent: number, total: number) => void,
  signal: AbortSignal,
  idempotencyKey = newIdempotencyKey(),
): Promise<T> {
  const session = getSession();
  const key = session[session.acting]?.key ?? "";
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.onload = () => {
      if (request.status === 401) rejectKey(key);
      const answer = parse(request.responseText);
      if (request.status < 300) resolve(answer as T);
      else reject(new ApiError(request.status, answer, readHeaders(request)));
    };
    request.onerror = () => reject(new ServerAway());
    request.onabort = () => reject(new DOMException("The upload was canceled.", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", path);
    request.setRequestHeader("x-api-key", key);
    request.setRequestHeader("idempotency-key", idempotencyKey);
    request.send(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readHeaders(request: XMLHttpRequest): Headers {
  const headers = new Headers();
  for (const name of ["x-request-id", "retry-after"]) {
    const value = request.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  return headers;
}
