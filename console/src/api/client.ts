/** The API client: paths and bodies are typed from the server's own OpenAPI description. */

import createClient, { type Middleware } from "openapi-fetch";
import { ApiError, ServerAway } from "./errors";
import type { paths } from "./schema";
import { getSession, rejectKey } from "./session";

const SENT_WITH = "x-api-key";

const authenticate: Middleware = {
  onRequest({ request }) {
    const session = getSession();
    const identity = session[session.acting];
    if (identity && !request.headers.has(SENT_WITH)) request.headers.set(SENT_WITH, identity.key);
    return request;
  },
  onResponse({ request, response }) {
    const key = request.headers.get(SENT_WITH);
    if (response.status === 401 && key !== null) rejectKey(key);
    return response;
  },
  onError({ error }) {
    return error instanceof DOMException && error.name === "AbortError" ? undefined : new ServerAway(error);
  },
};

export const api = createClient<paths>({ headers: { accept: "application/json" } });
api.use(authenticate);

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Return the body of a response.
 *
 * @throws {ApiError} the server rejected the request.
 * @throws {ServerAway} it did not answer.
 */
export async function send<T>(request: Promise<Answered<T>>): Promise<T> {
  return (await sendWhole(request)).data;
}

/** The same, with the response, whose headers describe pages of bare arrays and revisions. */
export async function sendWhole<T>(request: Promise<Answered<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await request;
  if (!response.ok) throw new ApiError(response.status, error, response.headers);
  return { data: data as T, response };
}

/** Fetch something that is not JSON, such as an event stream, with the key of the session. */
export async function fetchRaw(path: string, init: RequestInit = {}): Promise<Response> {
  const session = getSession();
  const key = session[session.acting]?.key ?? "";
  const headers = new Headers(init.headers);
  headers.set(SENT_WITH, key);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ServerAway(error);
  }
  if (response.status === 401) rejectKey(key);
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => null), response.headers);
  return response;
}

/** Random text for `Idempotency-Key`. `crypto.randomUUID` does not exist on pages of plain http. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The links of the server begin with its public address; of this page's server, only path and query count. */
export function toOwnOrigin(link: string): string {
  const url = new URL(link, window.location.origin);
  return url.pathname + url.search;
}
