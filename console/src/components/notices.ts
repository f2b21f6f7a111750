/** Short notices: shown at the edge of the page, or only read by screen readers. */

import { useSyncExternalStore } from "react";

export type NoticeTone = "quiet" | "good" | "bad";

export interface Notice {
  id: number;
  text: string;
  tone: NoticeTone;
}

const SHOWN_MS = 6000;
const listeners = new Set<() => void>();
let notices: Notice[] = [];
let last = 0;

/** Say something in the polite status line; `quiet` is read, but not shown. */
export function announce(text: string, tone: NoticeTone = "good"): void {
  const notice = { id: ++last, text, tone };
  set([...notices, notice]);
  setTimeout(() => dismiss(notice.id), SHOWN_MS);
}

/** Remove a notice. */
export function dismiss(id: number): void {
  set(notices.filter((notice) => notice.id !== id));
}

/** The current notices. */
export function useNotices(): Notice[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => notices,
  );
}

function set(next: Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}
