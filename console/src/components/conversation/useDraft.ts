/** The draft of a thread, kept in this tab over reloads and sign-ins. */

import { useEffect, useState } from "react";

function keyOf(threadId: string | null): string {
  return `projectdavid.draft.${threadId ?? "new"}`;
}

/** The draft and what changes it. The state is of its thread: give the component that uses it the thread as key. */
export function useDraft(threadId: string | null, initial: string): [string, (text: string) => void] {
  const [text, setText] = useState(() => sessionStorage.getItem(keyOf(threadId)) ?? initial);
  useEffect(() => {
    if (text === "") sessionStorage.removeItem(keyOf(threadId));
    else sessionStorage.setItem(keyOf(threadId), text);
  }, [threadId, text]);
  return [text, setText];
}
