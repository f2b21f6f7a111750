import { useId, useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { Button } from "@/components/Button";
import { ErrorBox } from "@/components/ErrorBox";
import { TimeAgo } from "@/components/TimeAgo";
import type { DataOf } from "@/streams/events";
import styles from "./CallCard.module.css";
import { words } from "./words.en";

/** A call that waits until a person approves it: what would run, and the decision. The stream tells what follows. */
export function ApprovalForm({ approval }: { approval: DataOf<"approval_required"> }) {
  const id = useId();
  const [reason, setReason] = useState("");
  const command = useCommand((approve: boolean, header) =>
    send(
      api.POST("/v1/approvals/{approval_id}", {
        params: { path: { approval_id: approval.approval_id }, header },
        body: { approve, digest: approval.digest, ...(reason === "" ? {} : { reason }) },
      }),
    ),
  );
  return (
    <div className={styles.answer}>
      <p>{words.approval.asks(words.approval.effects[approval.effect] ?? approval.effect)}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre className={styles.raw} tabIndex={0} dir="ltr">
        {approval.arguments}
      </pre>
      <label htmlFor={id}>{words.approval.reason}</label>
      <input id={id} className={styles.field} value={reason} onChange={(event) => setReason(event.target.value)} />
      <p className={styles.note}>
        {words.approval.until} <TimeAgo time={approval.expires_at} />
      </p>
      <div className={styles.actions}>
        <Button size="small" kind="primary" isBusy={command.isRunning} onClick={() => command.run(true)}>
          {words.approval.approve}
        </Button>
        <Button size="small" isBusy={command.isRunning} onClick={() => command.run(false)}>
          {words.approval.deny}
        </Button>
      </div>
      {command.error != null && <ErrorBox error={command.error} />}
    </div>
  );
}
