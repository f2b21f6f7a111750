import { useCallback, useEffect, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { Button, LinkButton } from "@/components/Button";
import { Composer } from "@/components/conversation/Composer";
import { Conversation } from "@/components/conversation/Conversation";
import { words as conversationWords } from "@/components/conversation/words.en";
import { ErrorBox } from "@/components/ErrorBox";
import { SplitPage } from "@/components/SplitPage";
import { AssistantSettings } from "./AssistantSettings";
import { BusyThread } from "./BusyThread";
import { CodeDialog } from "./CodeDialog";
import styles from "./play.module.css";
import { StopDialog, useStop } from "./RunControls";
import { loadSettings, storeSettings } from "./settings";
import { useSend } from "./useSend";
import { words } from "./words.en";

/** A conversation with an assistant, saved or set up here. A reload finds the thread, which is in the address. */
export default function PlayPage() {
  const query = new URLSearchParams(useSearch());
  const threadId = query.get("thread");
  const [, goTo] = useLocation();
  const { settings, change } = useSettings(query);
  const onThread = useCallback((id: string) => goTo(`/play?thread=${id}`, { replace: true }), [goTo]);
  const sending = useSend(threadId, settings, onThread);
  const { openRun, stop, error: stopError } = useStop(threadId);
  const [isShowingCode, setShowingCode] = useState(false);
  const [lastText, setLastText] = useState("");
  const readsFiles = settings.assistantId !== null || settings.tools.some((tool) => tool !== "web_search");
  return (
    <SplitPage
      title={words.title}
      actions={
        <>
          {threadId && (
            <LinkButton to={`/threads/${threadId}`} size="small">
              {words.toThread}
            </LinkButton>
          )}
          <Button size="small" icon="code" onClick={() => setShowingCode(true)}>
            {words.code}
          </Button>
          <Button size="small" icon="plus" onClick={() => goTo("/play")}>
            {words.newThread}
          </Button>
        </>
      }
      side={{
        title: words.settings,
        button: words.change,
        icon: "settings",
        content: <AssistantSettings settings={settings} change={change} error={sending.error} />,
      }}
    >
      <Conversation threadId={threadId} sent={sending.sent} empty={<Empty />}>
        {sending.hasStored && !sending.isSending ? (
          <BusyThread
            error={sending.error}
            runId={sending.isBusyThread ? (openRun?.id ?? null) : null}
            onStart={sending.start}
          />
        ) : (
          sending.error != null && <ErrorBox error={sending.error} />
        )}
        {stopError != null && <ErrorBox error={stopError} />}
        <Composer
          key={threadId ?? "new"}
          threadId={threadId}
          initial={query.get("prompt") ?? ""}
          isSending={sending.isSending || sending.hasStored}
          onStop={stop}
          onSend={(text, files) => {
            setLastText(text);
            sending.send(text, files);
          }}
          fileHint={readsFiles ? null : conversationWords.composer.noTool}
        />
      </Conversation>
      {isShowingCode && (
        <CodeDialog
          input={{
            settings,
            threadId,
            text: lastText || query.get("prompt") || "Hello!",
            baseUrl: window.location.origin,
          }}
          onClose={() => setShowingCode(false)}
        />
      )}
      <StopDialog stop={stop} />
    </SplitPage>
  );
}

function useSettings(query: URLSearchParams) {
  const [settings, setSettings] = useState(() => loadSettings(query));
  useEffect(() => storeSettings(settings), [settings]);
  const change = useCallback((part: Partial<typeof settings>) => setSettings((before) => ({ ...before, ...part })), []);
  return { settings, change };
}

function Empty() {
  return (
    <div className={styles.empty}>
      <h2>{words.emptyTitle}</h2>
      <p>{words.empty}</p>
    </div>
  );
}
