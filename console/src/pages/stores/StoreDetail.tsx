import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api, send } from "@/api/client";
import { Button } from "@/components/Button";
import { ErrorBox } from "@/components/ErrorBox";
import { type Fact, Facts } from "@/components/Facts";
import { IdLink } from "@/components/IdLink";
import { Skeleton } from "@/components/List";
import { Page, Section } from "@/components/Page";
import { TimeAgo } from "@/components/TimeAgo";
import { UploadPanel } from "@/uploads/UploadPanel";
import { AddExisting } from "./AddExisting";
import { Chunks } from "./Chunks";
import { DeleteStore } from "./DeleteStore";
import { SearchTest } from "./SearchTest";
import { StoreFiles } from "./StoreFiles";
import { StoreStatus } from "./StoreStatus";
import { nameOf, type Store } from "./store";
import { words } from "./words.en";

const POLL_MS = 1000;

/** A vector store: what is in it, what is ingested, and what a search finds. */
export function StoreDetail({ id }: { id: string }) {
  const [, goTo] = useLocation();
  const client = useQueryClient();
  const [search] = useSearchParams();
  const [isDeleting, setDeleting] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["stores", id],
    queryFn: ({ signal }) =>
      send(api.GET("/v1/vector-stores/{store_id}", { params: { path: { store_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.status === "in_progress" ? POLL_MS : false),
  });
  if (!data) {
    return (
      <Page title={words.title}>
        {error ? <ErrorBox error={error} onRetry={() => void refetch()} /> : <Skeleton />}
      </Page>
    );
  }
  const reload = () => void client.invalidateQueries({ queryKey: ["stores", id] });
  const fileId = search.get("file");
  return (
    <Page
      title={nameOf(data)}
      intro={data.description ?? undefined}
      actions={
        <Button kind="danger" onClick={() => setDeleting(true)}>
          {words.delete}
        </Button>
      }
    >
      <StoreFacts store={data} />
      {fileId !== null && <Chunks key={fileId} storeId={id} fileId={fileId} />}
      <Section title={words.search.title}>
        <SearchTest store={data} />
      </Section>
      <Section title={words.file.title}>
        <UploadPanel storeId={id} onUploaded={reload} />
        <AddExisting storeId={id} />
        <StoreFiles store={data} />
      </Section>
      <DeleteStore
        store={isDeleting ? data : null}
        onClose={() => setDeleting(false)}
        onDeleted={() => goTo("/stores")}
      />
    </Page>
  );
}

function StoreFacts({ store }: { store: Store }) {
  const facts: Fact[] = [
    [words.status, <StoreStatus key="status" store={store} />],
    [words.files, words.counts(store.file_counts)],
    [words.size, words.usage(store.usage_bytes)],
    [words.mode, words.modes[store.search_mode]],
    [words.expires, store.expires_at == null ? words.never : <TimeAgo key="expires" time={store.expires_at} />],
    [words.id, <IdLink key="id" id={store.id} canCopy />],
  ];
  return <Facts facts={facts} />;
}
