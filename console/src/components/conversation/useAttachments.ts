/** Files that are being attached to a message: uploaded two at a time, with progress. */

import { useEffect, useRef, useState } from "react";
import { type StoredFile, uploadFile } from "@/api/uploads";

export interface Attached {
  key: number;
  source: File;
  state: "waiting" | "sending" | "stored" | "failed";
  share: number;
  stored: StoredFile | null;
  error: unknown;
  controller: AbortController;
}

const AT_ONCE = 2;

export function useAttachments() {
  const [files, setFiles] = useState<Attached[]>([]);
  const last = useRef(0);
  const started = useRef(new Set<number>());
  const change = (key: number, part: Partial<Attached>) =>
    setFiles((before) => before.map((file) => (file.key === key ? { ...file, ...part } : file)));

  useEffect(() => {
    const free = AT_ONCE - files.filter(({ state }) => state === "sending").length;
    for (const { key, source, controller } of files.filter(({ state }) => state === "waiting").slice(0, free)) {
      if (started.current.has(key)) continue;
      started.current.add(key);
      change(key, { state: "sending" });
      uploadFile(source, { signal: controller.signal, onProgress: (share) => change(key, { share }) }).then(
        (stored) => change(key, { state: "stored", stored }),
        (error: unknown) => change(key, { state: "failed", error }),
      );
    }
  });

  return {
    files,
    isBusy: files.some(({ state }) => state === "waiting" || state === "sending"),
    add: (sources: Iterable<File>) => {
      const added = [...sources].map((source) => newAttachment(++last.current, source));
      setFiles((before) => [...before, ...added]);
    },
    retry: (key: number) => {
      started.current.delete(key);
      change(key, { state: "waiting", error: null, share: 0 });
    },
    remove: (key: number) => {
      files.find((file) => file.key === key)?.controller.abort();
      setFiles((before) => before.filter((file) => file.key !== key));
    },
    clear: () => setFiles([]),
  };
}

function newAttachment(key: number, source: File): Attached {
  return { key, source, state: "waiting", share: 0, stored: null, error: null, controller: new AbortController() };
}
