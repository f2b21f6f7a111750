/** Uploads with progress: `fetch` does not report how much it has sent, so this is an XMLHttpRequest. */

import { newIdempotencyKey } from "./client";
import { ApiError, ServerAway } from "./errors";
import type { components } from "./schema";
import { getSession, rejectKey } from "./session";

export type StoredFile = components["schemas"]["File"];

export interface UploadOptions {
  /** The share that is sent, from 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal;
}

/** Upload a file.
 *
 * @throws {ApiError} the server rejected it.
 * @throws {ServerAway} the connection broke.
 * @throws {DOMException} `AbortError`: the signal was aborted.
 */
export function uploadFile(file: File, { onProgress, signal }: UploadOptions): Promise<StoredFile> {
  const session = getSession();
  const key = session[session.acting]?.key ?? "";
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("file", file);
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      if (request.status === 401) rejectKey(key);
      if (request.status < 300) resolve(JSON.parse(request.responseText) as StoredFile);
      else reject(new ApiError(request.status, parse(request.responseText), readHeaders(request)));
    };
    request.onerror = () => reject(new ServerAway());
    request.onabort = () => reject(new DOMException("The upload was canceled.", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", "/v1/files");
    request.setRequestHeader("x-api-key", key);
    request.setRequestHeader("idempotency-key", newIdempotencyKey());
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
  const names = ["x-request-id", "retry-after"];
  return new Headers(
    names.flatMap((name): [string, string][] => {
      const value = request.getResponseHeader(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}
