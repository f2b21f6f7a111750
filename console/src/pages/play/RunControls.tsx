import { useEffect, useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { Button } from "@/components/Button";
import { isOpen, threadRunsKey, useThreadRuns } from "@/components/conversation/useThreadRuns";
import { words } from "@/components/conversation/words.en";
import { Dialog } from "@/components/Dialog";

/** Stops the open run of a thread. `stop` is null without an open run, and while it is being cancelled. */
export function useStop(threadId: string | null) {
  const { runs } = useThreadRuns(threadId);
  const open = runs.findLast(isOpen);
  const command = useCommand(
    (runId: string, header) =>
      send(api.POST("/v1/runs/{run_id}/cancel", { params: { path: { run_id: runId }, header } })),
    {
      invalidates: [threadRunsKey(threadId)],
    },
  );
  const canStop = open !== undefined && open.status !== "cancelling";
  return {
    openRun: open,
    stop: canStop ? () => command.run(open.id) : null,
    error: command.error,
  };
}

/** Ctrl+. asks once, then stops the run. */
export function StopDialog({ stop }: { stop: (() => void) | null }) {
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "." || !(event.ctrlKey || event.metaKey) || stop === null) return;
      event.preventDefault();
      setAsking(true);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [stop]);
  const close = () => setAsking(false);
  return (
    <Dialog
      title={words.composer.confirmTitle}
      isOpen={isAsking && stop !== null}
      onClose={close}
      actions={
        <>
          <Button onClick={close}>{words.composer.keep}</Button>
          <Button
            kind="danger"
            data-autofocus
            onClick={() => {
              stop?.();
              close();
            }}
          >
            {words.composer.confirm}
          </Button>
        </>
      }
    >
      <p>{words.composer.confirmText}</p>
    </Dialog>
  );
}
