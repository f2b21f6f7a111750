/** Preferences of this browser, as React state shared by all tabs. */

import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
window.addEventListener("storage", notify);

function notify(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A preference by its name, null if it is not set, and what sets it. */
export function usePreference(name: string): [string | null, (value: string | null) => void] {
  const key = `projectdavid.${name}`;
  const value = useSyncExternalStore(subscribe, () => window.localStorage.getItem(key));
  return [value, (next) => setPreference(name, next)];
}

/** Set a preference; null removes it. */
export function setPreference(name: string, value: string | null): void {
  if (value === null) window.localStorage.removeItem(`projectdavid.${name}`);
  else window.localStorage.setItem(`projectdavid.${name}`, value);
  notify();
}
