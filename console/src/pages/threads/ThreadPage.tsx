import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, send } from "@/api/client";
import { Button, LinkButton } from "@/components/Button";
import { Conversation } from "@/components/conversation/Conversation";
import { useThreadRuns } from "@/components/conversation/useThreadRuns";
import { Dialog } from "@/components/Dialog";
import { ErrorBox } from "@/components/ErrorBox";
import { IdLink } from "@/components/IdLink";
import { Page } from "@/components/Page";
import { TimeAgo } from "@/components/TimeAgo";
import { words as shared } from "@/words";
import styles from "./ThreadPage.module.css";
import { ThreadRuns } from "./ThreadRuns";
import { titleOf } from "./titles";
import { words } from "./words.en";

/** The conversation of a thread, and its runs. */
export function ThreadPage({ threadId }: { threadId: string }) {
  const [isShowingRuns, setShowingRuns] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["threads", threadId],
    queryFn: () => send(api.GET("/v1/threads/{thread_id}", { params: { path: { thread_id: threadId } } })),
  });
  const assistant = useThreadRuns(threadId).runs.at(-1)?.assistant_id;
  const title = data ? titleOf(data) : words.title;
  useEffect(() => {
    document.title = shared.consoleTitle(title);
  }, [title]);
  if (error && !data) {
    return (
      <Page title={words.title}>
        <ErrorBox error={error} onRetry={() => void refetch()} />
      </Page>
    );
  }
  const query = new URLSearchParams({ thread: threadId, ...(assistant === undefined ? {} : { assistant }) });
  return (
    <div className={styles.thread}>
      <header className={styles.head}>
        <div className={styles.title}>
          <h1 tabIndex={-1} dir="auto">
            {title}
          </h1>
          <p className={styles.facts}>
            <IdLink id={threadId} canCopy /> {data && <TimeAgo time={data.created_at} />}
          </p>
        </div>
        <div className={styles.actions}>
          <Button size="small" icon="runs" className={styles.runsButton} onClick={() => setShowingRuns(true)}>
            {words.runs}
          </Button>
          <LinkButton size="small" icon="play" kind="primary" to={`/play?${query}`}>
            {words.continue}
          </LinkButton>
        </div>
      </header>
      <div className={styles.conversation}>
        <Conversation threadId={threadId} empty={<p>{words.noMessages}</p>} />
      </div>
      <aside className={styles.side} aria-label={words.showRuns}>
        <ThreadRuns threadId={threadId} />
      </aside>
      <Dialog title={words.showRuns} isOpen={isShowingRuns} onClose={() => setShowingRuns(false)}>
        <ThreadRuns threadId={threadId} />
      </Dialog>
    </div>
  );
}
