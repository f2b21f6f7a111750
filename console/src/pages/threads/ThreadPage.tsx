import { useQuery } from "@tanstack/react-query";
import { api, send } from "@/api/client";
import { LinkButton } from "@/components/Button";
import { Conversation } from "@/components/conversation/Conversation";
import { useThreadRuns } from "@/components/conversation/useThreadRuns";
import { ErrorBox } from "@/components/ErrorBox";
import { IdLink } from "@/components/IdLink";
import { Page } from "@/components/Page";
import { SplitPage } from "@/components/SplitPage";
import { TimeAgo } from "@/components/TimeAgo";
import styles from "./ThreadPage.module.css";
import { ThreadRuns } from "./ThreadRuns";
import { titleOf } from "./titles";
import { words } from "./words.en";

/** The conversation of a thread, and its runs. */
export function ThreadPage({ threadId }: { threadId: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["threads", threadId],
    queryFn: () => send(api.GET("/v1/threads/{thread_id}", { params: { path: { thread_id: threadId } } })),
  });
  const assistant = useThreadRuns(threadId).runs.at(-1)?.assistant_id;
  const title = data ? titleOf(data) : words.title;
  if (error && !data) {
    return (
      <Page title={words.title}>
        <ErrorBox error={error} onRetry={() => void refetch()} />
      </Page>
    );
  }
  const query = new URLSearchParams({ thread: threadId, ...(assistant === undefined ? {} : { assistant }) });
  return (
    <SplitPage
      title={title}
      facts={
        <p className={styles.facts}>
          <IdLink id={threadId} canCopy /> {data && <TimeAgo time={data.created_at} />}
        </p>
      }
      actions={
        <LinkButton size="small" icon="play" kind="primary" to={`/play?${query}`}>
          {words.continue}
        </LinkButton>
      }
      side={{
        title: words.showRuns,
        button: words.runs,
        icon: "runs",
        content: <ThreadRuns threadId={threadId} />,
        isNarrow: true,
      }}
    >
      <Conversation threadId={threadId} empty={<p>{words.noMessages}</p>} />
    </SplitPage>
  );
}
