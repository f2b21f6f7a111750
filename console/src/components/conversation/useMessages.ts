/** The messages of a thread: the newest first read, older ones by pages. */

import { useCallback, useEffect, useRef, useState } from "react";
import { api, send } from "@/api/client";
import { isTemporary } from "@/api/errors";
import { useHealth } from "@/api/queries";
import type { Message } from "./turns";

const PAGE = 60;

interface Loaded {
  messages: Message[] | undefined;
  hasOlder: boolean;
  error: unknown;
}

const NOTHING: Loaded = { messages: undefined, hasOlder: false, error: null };

/** Messages, the oldest first. `refresh` reads what is new, `loadOlder` the page before. */
export function useMessages(threadId: string | null) {
  const [loaded, setLoaded] = useState<Loaded>(NOTHING);
  const [isLoadingOlder, setLoadingOlder] = useState(false);
  const current = useRef(threadId);
  const isBusy = useRef(false);

  const refresh = useCallback(async () => {
    if (threadId === null) return;
    try {
      const page = await loadPage(threadId);
      if (current.current !== threadId) return;
      setLoaded((before) => addNewest(before, page));
    } catch (error) {
      if (current.current === threadId) setLoaded((before) => ({ ...before, error }));
    }
  }, [threadId]);

  useEffect(() => {
    current.current = threadId;
    setLoaded(threadId === null ? { ...NOTHING, messages: [] } : NOTHING);
    void refresh();
  }, [threadId, refresh]);

  // What failed while the server was away is read again when it is back.
  const { isError: isAway } = useHealth();
  const hasFailed = isTemporary(loaded.error);
  useEffect(() => {
    if (hasFailed && !isAway) void refresh();
  }, [hasFailed, isAway, refresh]);

  const oldest = loaded.messages?.[0]?.id;
  const loadOlder = useCallback(async () => {
    if (threadId === null || oldest === undefined || isBusy.current) return;
    isBusy.current = true;
    setLoadingOlder(true);
    try {
      const page = await loadPage(threadId, oldest);
      if (current.current !== threadId) return;
      setLoaded(({ messages = [] }) => ({
        messages: [...page.data.toReversed(), ...messages],
        hasOlder: page.has_more,
        error: null,
      }));
    } catch (error) {
      setLoaded((before) => ({ ...before, error }));
    } finally {
      isBusy.current = false;
      setLoadingOlder(false);
    }
  }, [threadId, oldest]);

  return { ...loaded, isLoadingOlder, refresh, loadOlder };
}

interface NewestFirst {
  data: Message[];
  has_more: boolean;
}

function loadPage(threadId: string, after?: string): Promise<NewestFirst> {
  const query = { order: "desc" as const, limit: PAGE, ...(after === undefined ? {} : { after }) };
  return send(api.GET("/v1/threads/{thread_id}/messages", { params: { path: { thread_id: threadId }, query } }));
}

/** Put the newest page after what is known; if more than a page is new, only the page remains. */
function addNewest(before: Loaded, page: NewestFirst): Loaded {
  const newest = page.data.toReversed();
  const first = newest[0]?.id;
  const at = before.messages?.findIndex(({ id }) => id === first) ?? -1;
  if (before.messages === undefined || at < 0) return { messages: newest, hasOlder: page.has_more, error: null };
  return { messages: [...before.messages.slice(0, at), ...newest], hasOlder: before.hasOlder, error: null };
}
