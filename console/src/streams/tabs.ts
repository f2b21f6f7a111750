/** Counts the streams of all tabs: a browser opens at most six connections to a host over HTTP/1.1.
 *
 * Each streaming tab keeps an entry in the storage that tabs share. A question to the other tabs would not do: one
 * that is busy answers too late, and the stream that is then opened leaves no connection for anything else.
 */

const MAX_STREAMS = 4;
const PREFIX = "projectdavid.stream.";
const REFRESH_MS = 5000;
/** An entry that is older is that of a tab that has crashed. */
const FRESH_MS = 20_000;

const own = PREFIX + Math.random().toString(36).slice(2);
let open = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Count one more stream of this tab. Returns what ends the count, null if the other tabs leave no connection. */
export function claimStream(): (() => void) | null {
  open += 1;
  // The entry is written before others are counted, so that two tabs cannot both take the last place.
  refresh();
  if (open === 1 && countOthers() >= MAX_STREAMS) {
    release();
    return null;
  }
  timer ??= setInterval(refresh, REFRESH_MS);
  return release;
}

function refresh(): void {
  localStorage.setItem(own, String(Date.now()));
}

function release(): void {
  open -= 1;
  if (open > 0) return;
  clearInterval(timer);
  timer = undefined;
  localStorage.removeItem(own);
}

function countOthers(): number {
  const others = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX) && key !== own);
  return others.filter(isFresh).length;
}

function isFresh(key: string): boolean {
  if (Date.now() - Number(localStorage.getItem(key)) < FRESH_MS) return true;
  localStorage.removeItem(key);
  return false;
}

if (typeof window !== "undefined") window.addEventListener("pagehide", () => localStorage.removeItem(own));
