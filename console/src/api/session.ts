/** Who is signed in. Keys live in `localStorage`, which is bound to host and port; all tabs of the browser share them. */

import { useSyncExternalStore } from "react";
import { ApiError, ServerAway } from "./errors";
import type { components } from "./schema";

type KeyCreated = components["schemas"]["KeyCreated"];
type KeyValid = components["schemas"]["KeyValid"];

/** `me` owns content; `administration` is an admin, who sees no content of other users. */
export type Role = "me" | "administration";

export interface Identity {
  key: string;
  prefix: string;
  userId: string;
  isAdmin: boolean;
  /** ISO time, null if the key does not expire. */
  expiresAt: string | null;
  /** The server rejected the key: signing in again continues the work. */
  rejected?: boolean;
}

export interface Session {
  acting: Role;
  me?: Identity;
  administration?: Identity;
}

const STORED_AS = "projectdavid.session";
const SESSION_SECONDS = 12 * 3600;
const LONG_SESSION_SECONDS = 30 * 86_400;
const SIGNED_OUT: Session = { acting: "me" };
const listeners = new Set<() => void>();
let current = load();

window.addEventListener("storage", (event) => {
  if (event.key !== null && event.key !== STORED_AS) return;
  current = load();
  notify();
});

/** The current session. */
export function getSession(): Session {
  return current;
}

/** The current session, kept up to date across tabs. */
export function useSession(): Session {
  return useSyncExternalStore(subscribe, getSession);
}

/** The identity that requests act as, undefined if this role is not signed in. */
export function useIdentity(): Identity | undefined {
  const session = useSession();
  return session[session.acting];
}

/** Let requests act as the other identity. */
export function actAs(role: Role): void {
  save({ ...current, acting: role });
}

/** Mark the key as rejected, unless another one took its place since the request. */
export function rejectKey(key: string): void {
  for (const role of ["me", "administration"] as const) {
    const identity = current[role];
    if (identity?.key === key && !identity.rejected) save({ ...current, [role]: { ...identity, rejected: true } });
  }
}

/** Exchange a one-time code for a key of this browser, and sign in with it. */
export async function signInWithCode(code: string, stay = false): Promise<Identity> {
  return signIn(await exchange({ code }, undefined, stay));
}

/** Exchange an API key for a key of this browser, and sign in with that. The given key is not kept. */
export async function signInWithKey(key: string, stay = false): Promise<Identity> {
  return signIn(await exchange({}, key, stay));
}

/** Forget one identity and revoke its key. The server can be away: the key expires by itself. */
export async function signOut(role: Role = current.acting): Promise<void> {
  const identity = current[role];
  const other: Role = role === "me" ? "administration" : "me";
  const { [role]: _, ...rest } = current;
  save({ ...rest, acting: current[other] ? other : "me" });
  if (!identity || identity.rejected) return;
  const path = `/v1/users/${encodeURIComponent(identity.userId)}/apikeys/${encodeURIComponent(identity.prefix)}`;
  await request(path, identity.key, { method: "DELETE" }).catch(() => undefined);
}

/** Take the one-time code out of the address, so that it stays in no history, and return it. */
export function takeCode(): string | null {
  const found = /^#code=([A-Za-z0-9_-]+)$/.exec(window.location.hash);
  if (!found?.[1]) return null;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return found[1];
}

async function exchange(body: { code?: string }, key: string | undefined, stay: boolean): Promise<KeyCreated> {
  const expiresIn = stay ? LONG_SESSION_SECONDS : SESSION_SECONDS;
  const content = { ...body, key_name: `console · ${describeBrowser()}`, expires_in: expiresIn };
  return (await request("/v1/auth/exchange", key, { method: "POST", body: JSON.stringify(content) })) as KeyCreated;
}

async function signIn(created: KeyCreated): Promise<Identity> {
  const { plain_key: key, details } = created;
  const valid = (await request("/v1/auth/validate-key", key)) as KeyValid;
  const identity: Identity = {
    key,
    prefix: details.prefix,
    userId: valid.user_id,
    isAdmin: valid.is_admin ?? false,
    expiresAt: details.expires_at ?? null,
  };
  const role: Role = identity.isAdmin ? "administration" : "me";
  save({ ...current, acting: role, [role]: identity });
  return identity;
}

async function request(path: string, key: string | undefined, init: RequestInit = {}): Promise<unknown> {
  const headers = new Headers({ accept: "application/json", "content-type": "application/json" });
  if (key !== undefined) headers.set("x-api-key", key);
  const response = await fetch(path, { ...init, headers }).catch((cause: unknown) => {
    throw new ServerAway(cause);
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, body, response.headers);
  return body;
}

/** The browser's name for the list of keys, such as `Firefox on Linux`. */
export function describeBrowser(agent = navigator.userAgent): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(agent)?.[1] ?? "Browser";
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|CrOS|Linux)/.exec(agent)?.[1];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS", CrOS: "ChromeOS" };
  return system ? `${names[browser] ?? browser} on ${names[system] ?? system}` : (names[browser] ?? browser);
}

function load(): Session {
  const stored = window.localStorage.getItem(STORED_AS);
  if (stored === null) return SIGNED_OUT;
  try {
    return { ...SIGNED_OUT, ...(JSON.parse(stored) as Partial<Session>) };
  } catch {
    return SIGNED_OUT;
  }
}

function save(session: Session): void {
  current = session;
  if (session.me || session.administration) window.localStorage.setItem(STORED_AS, JSON.stringify(session));
  else window.localStorage.removeItem(STORED_AS);
  notify();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(): void {
  for (const listener of listeners) listener();
}
