import { useQuery } from "@tanstack/react-query";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import type { components } from "@/api/schema";
import { Button } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { Dialog } from "@/components/Dialog";
import { ErrorBox } from "@/components/ErrorBox";
import { Skeleton } from "@/components/List";
import { announce } from "@/components/notices";
import { Section } from "@/components/Page";
import type { Tone } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { TimeAgo } from "@/components/TimeAgo";
import { formatDuration } from "@/format";
import { words } from "./words.en";

export type Delivery = components["schemas"]["Delivery"];
type Attempt = components["schemas"]["Attempt"];

export const TONES: Record<Delivery["status"], Tone> = { pending: "info", delivered: "good", failed: "bad" };

/** A delivery: its attempts and payload. It can be sent again in any status. */
export function DeliveryDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const params = { path: { delivery_id: id } };
  const { data: delivery, error } = useQuery({
    queryKey: ["delivery", id],
    queryFn: ({ signal }) => send(api.GET("/v1/webhooks/deliveries/{delivery_id}", { params, signal })),
    refetchInterval: (query) => (query.state.data?.status === "pending" ? 1000 : false),
  });
  const redeliver = useCommand(
    (_: undefined, header) =>
      send(api.POST("/v1/webhooks/deliveries/{delivery_id}/redeliver", { params: { ...params, header } })),
    { invalidates: [["deliveries"], ["delivery", id]], onSuccess: () => announce(words.redelivered) },
  );
  const action = (
    <Button isBusy={redeliver.isRunning} onClick={() => redeliver.run(undefined)}>
      {words.redeliver}
    </Button>
  );
  return (
    <Dialog title={delivery?.event ?? id} isOpen isWide onClose={onClose} actions={action}>
      {error && <ErrorBox error={error} />}
      {!delivery && !error && <Skeleton />}
      {delivery && (
        <>
          <Section title={words.attemptCount(delivery.attempts)}>
            <Table
              caption={words.attempts}
              columns={ATTEMPTS}
              rows={delivery.log}
              keyOf={({ at, duration_ms }) => `${at}-${duration_ms}`}
            />
          </Section>
          <Section title={words.payload}>
            <CodeBlock code={JSON.stringify(delivery.payload, null, 2)} language="json" />
          </Section>
        </>
      )}
      {redeliver.error && <ErrorBox error={redeliver.error} />}
    </Dialog>
  );
}

const ATTEMPTS: Column<Attempt>[] = [
  { label: words.at, render: ({ at }) => <TimeAgo time={at} /> },
  {
    label: words.answer,
    render: ({ status, error, note }) => [status ?? words.noAnswer, error, note].filter(Boolean).join(" · "),
  },
  { label: words.duration, isNumber: true, render: ({ duration_ms }) => formatDuration(duration_ms / 1000) },
];
