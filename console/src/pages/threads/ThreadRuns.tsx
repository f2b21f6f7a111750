import { Link } from "wouter";
import { api, send } from "@/api/client";
import { fromList, useList } from "@/api/queries";
import type { Run } from "@/components/conversation/turns";
import { isOpen } from "@/components/conversation/useThreadRuns";
import { List } from "@/components/List";
import { StatusPill } from "@/components/Pill";
import { TimeAgo } from "@/components/TimeAgo";
import { formatNumber } from "@/format";
import styles from "./ThreadPage.module.css";
import { words } from "./words.en";

const PAGE = 20;
const POLL_MS = 5000;

/** The runs of a thread, the newest first, each with the way to its trace. */
export function ThreadRuns({ threadId }: { threadId: string }) {
  const list = useList<Run>(
    ["threads", threadId, "runs"],
    async (after, signal) => {
      const query = { limit: PAGE, order: "desc" as const, ...(after === undefined ? {} : { after }) };
      const path = { thread_id: threadId };
      return fromList(await send(api.GET("/v1/threads/{thread_id}/runs", { params: { path, query }, signal })));
    },
    { refetchInterval: POLL_MS },
  );
  return (
    <>
      <h2 className={styles.runsTitle}>{words.runs}</h2>
      <List list={list} empty={<p>{words.noRuns}</p>}>
        {(runs) => (
          <ul className={styles.runs}>
            {runs.map((run) => (
              <li key={run.id} className={styles.run}>
                <Link href={`/runs/${run.id}`}>
                  <TimeAgo time={run.created_at} />
                </Link>
                <StatusPill status={run.status} />
                <span className={styles.facts}>
                  {run.model}
                  {!isOpen(run) && run.usage && `, ${formatNumber(run.usage.total_tokens)} ${words.tokens}`}
                </span>
              </li>
            ))}
          </ul>
        )}
      </List>
    </>
  );
}
