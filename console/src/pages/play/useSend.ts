/** Sends a message and starts a run: thread, message, assistant and run, each created once per press. */

import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, send } from "@/api/client";
import { ApiError } from "@/api/errors";
import { useCommand } from "@/api/queries";
import type { components } from "@/api/schema";
import type { StoredFile } from "@/api/uploads";
import { threadRunsKey } from "@/components/conversation/useThreadRuns";
import { buildAssistant, buildOptions, DRAFT, isDraft, type PlaySettings } from "./settings";

type Schemas = components["schemas"];
/** What can be set of a run: the API ignores the rest in a body, if it is null. */
type RunBody = Pick<
  Schemas["RunCreate"],
  "assistant_id" | "thread_id" | "on_busy" | "model" | "instructions" | "tools"
>;
/** The generated type takes fields with a default for required ones. */
type AssistantBody = Omit<Schemas["AssistantCreate"], "id">;
type OnBusy = NonNullable<Schemas["RunCreate"]["on_busy"]>;

const TITLE_LENGTH = 80;

interface Sending {
  text: string;
  files: StoredFile[];
  onBusy: OnBusy;
}

/** `stored`: the message is in the thread, but its run was not started; `start` tries that again. */
export function useSend(threadId: string | null, settings: PlaySettings, onThread: (threadId: string) => void) {
  const client = useQueryClient();
  const [stored, setStored] = useState<string | null>(null);
  const [sent, setSent] = useState(0);
  const command = useCommand(async ({ text, files, onBusy }: Sending, { "Idempotency-Key": key }) => {
    const thread = stored ?? threadId ?? (await createThread(text || (files[0]?.filename ?? ""), `${key}-thread`));
    if (stored === null) {
      await createMessage(thread, text, files, settings, `${key}-message`);
      setStored(thread);
      onThread(thread);
      setSent((count) => count + 1);
    }
    const assistant = settings.assistantId ?? (await findDraft(settings.model, `${key}-assistant`));
    const run = await createRun({ thread, assistant, settings, onBusy, key });
    setStored(null);
    await client.invalidateQueries({ queryKey: threadRunsKey(thread) });
    return run;
  });
  return {
    send: (text: string, files: StoredFile[]) => command.run({ text, files, onBusy: "reject" }),
    start: (onBusy: OnBusy) => command.run({ text: "", files: [], onBusy }),
    isSending: command.isRunning,
    error: command.error,
    hasStored: stored !== null,
    isBusyThread: command.error instanceof ApiError && command.error.code === "thread_busy",
    sent,
  };
}

async function createThread(text: string, key: string): Promise<string> {
  const title = findTitle(text);
  const body = title === "" ? {} : { title };
  const thread = await send(api.POST("/v1/threads", { body, params: { header: { "Idempotency-Key": key } } }));
  return thread.id;
}

/** The beginning of a message on one line, without control characters. */
function findTitle(text: string): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return [...line].slice(0, TITLE_LENGTH).join("");
}

async function createMessage(
  thread: string,
  text: string,
  files: StoredFile[],
  settings: PlaySettings,
  key: string,
): Promise<void> {
  const body = { thread_id: thread, role: "user", ...buildContent(text, files, settings) };
  await send(
    api.POST("/v1/messages", {
      body: body as Schemas["MessageCreate"],
      params: { header: { "Idempotency-Key": key } },
    }),
  );
}

/** Images are part of the content; other files are for the tools that read files. */
function buildContent(text: string, files: StoredFile[], settings: PlaySettings) {
  const images = files.filter(({ mime_type: type }) => type.startsWith("image/"));
  const others = files.filter((file) => !images.includes(file));
  const readers = settings.tools.filter((type) => type !== "web_search").map((type) => ({ type }));
  const tools = readers.length > 0 ? { tools: readers } : {};
  const attachments = others.map(({ id }) => ({ file_id: id, ...tools }));
  const blocks = images.map(({ id }) => ({ type: "image_file", image_file: { file_id: id } }));
  const content = blocks.length > 0 ? [...(text ? [{ type: "text", text }] : []), ...blocks] : text;
  return { content, ...(attachments.length > 0 ? { attachments } : {}) };
}

/** The assistant that unsaved ones run as: a run overrides all that matters. */
async function findDraft(model: string, key: string): Promise<string> {
  const query = { limit: 100, order: "desc" as const };
  const assistants = await send(api.GET("/v1/assistants", { params: { query } }));
  const known = assistants.find(isDraft);
  if (known) return known.id;
  const body = { model, name: "Playground", meta_data: DRAFT } as Partial<AssistantBody> as AssistantBody;
  const created = await send(api.POST("/v1/assistants", { body, params: { header: { "Idempotency-Key": key } } }));
  return created.id;
}

interface NewRun {
  thread: string;
  assistant: string;
  settings: PlaySettings;
  onBusy: OnBusy;
  key: string;
}

function createRun({ thread, assistant, settings, onBusy, key }: NewRun) {
  const unsaved = settings.assistantId === null ? { instructions: "", tools: [], ...buildAssistant(settings) } : {};
  const body = { assistant_id: assistant, thread_id: thread, on_busy: onBusy, ...unsaved, ...buildOptions(settings) };
  return send(
    api.POST("/v1/runs", {
      body: body as RunBody,
      params: { header: { "Idempotency-Key": `${key}-${onBusy}` } },
    }),
  );
}
