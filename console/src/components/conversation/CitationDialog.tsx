import { useQuery } from "@tanstack/react-query";
import { api, send } from "@/api/client";
import type { components } from "@/api/schema";
import { LinkButton } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Skeleton } from "@/components/List";
import type { Annotation } from "@/streams/events";
import styles from "./Cited.module.css";
import { describePlace, type FileCitation, type UrlCitation } from "./citations";
import { words } from "./words.en";

type Chunk = components["schemas"]["StoredChunk"];

const CHUNKS = 100;

/** What a citation cites: the passage with the quote marked, or the page on the web. */
export function CitationDialog({ annotation, onClose }: { annotation: Annotation; onClose: () => void }) {
  const file = annotation.file_citation as FileCitation | null | undefined;
  if (file) return <FileDialog citation={file} onClose={onClose} />;
  const page = annotation.url_citation as UrlCitation | null | undefined;
  return (
    <Dialog title={words.citation.web} isOpen onClose={onClose}>
      <p>
        <bdi>{page?.title ?? annotation.text}</bdi>
      </p>
      {page && isWebAddress(page.url) && (
        <p>
          <a href={page.url} target="_blank" rel="noopener noreferrer nofollow">
            {words.citation.outside(new URL(page.url).host)}
          </a>
        </p>
      )}
    </Dialog>
  );
}

function FileDialog({ citation, onClose }: { citation: FileCitation; onClose: () => void }) {
  const { vector_store_id: storeId, file_id: fileId } = citation;
  const { data, isPending } = useQuery({
    queryKey: ["stores", storeId, "files", fileId, "cited", citation.start],
    queryFn: () => findChunk(storeId, fileId, citation),
  });
  return (
    <Dialog
      title={words.citation.title(citation.filename)}
      isOpen
      isWide
      onClose={onClose}
      actions={<LinkButton to={`/stores/${storeId}`}>{words.citation.toStore}</LinkButton>}
    >
      <p className={styles.place}>{describePlace(citation, words.citation)}</p>
      {isPending && <Skeleton />}
      {!isPending && !data && (
        <>
          <p>{words.citation.gone}</p>
          <blockquote className={styles.passage} dir="auto">
            {citation.quote}
          </blockquote>
        </>
      )}
      {data && <Passage chunk={data} citation={citation} />}
    </Dialog>
  );
}

/** The passage with the quote marked. Positions count code points of the whole file. */
function Passage({ chunk, citation }: { chunk: Chunk; citation: FileCitation }) {
  const points = [...chunk.text];
  const from = Math.max((citation.start ?? chunk.start) - chunk.start, 0);
  const to = Math.min((citation.end ?? chunk.start) - chunk.start, points.length);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <blockquote className={styles.passage} dir="auto" tabIndex={0}>
      {points.slice(0, from).join("")}
      {to > from && <mark>{points.slice(from, to).join("")}</mark>}
      {points.slice(Math.max(from, to)).join("")}
    </blockquote>
  );
}

/** Find the chunk with the quote, null if it is no longer there. */
async function findChunk(storeId: string, fileId: string, { start }: FileCitation): Promise<Chunk | null> {
  if (start == null) return null;
  const path = { store_id: storeId, file_id: fileId };
  for (let behind: number | undefined; ; ) {
    const page = await send(
      api.GET("/v1/vector-stores/{store_id}/files/{file_id}/content", {
        params: { path, query: { limit: CHUNKS, ...(behind === undefined ? {} : { behind }) } },
      }),
    );
    const found = page.data.find((chunk) => chunk.start <= start && start < chunk.end);
    if (found || !page.has_more) return found ?? null;
    behind = page.data.at(-1)?.position;
  }
}

function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
