import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useSearchParams } from "wouter";
import { api, send } from "@/api/client";
import { fromList, useList } from "@/api/queries";
import { Button } from "@/components/Button";
import { List } from "@/components/List";
import { Section } from "@/components/Page";
import { MarkedText } from "./MarkedText";
import { markRange, markWords, type Piece } from "./marks";
import { type Chunk, describePlace } from "./store";
import styles from "./stores.module.css";
import { words } from "./words.en";

const PAGE_SIZE = 20;

/** The chunks of a file. `chunk` in the address opens one, and `q` or `start` and `end` mark what was found in it. */
export function Chunks({ storeId, fileId }: { storeId: string; fileId: string }) {
  const [search, setSearch] = useSearchParams();
  const chosen = readNumber(search, "chunk");
  const file = useQuery({
    queryKey: ["stores", storeId, "files", fileId],
    queryFn: ({ signal }) => {
      const params = { path: { store_id: storeId, file_id: fileId } };
      return send(api.GET("/v1/vector-stores/{store_id}/files/{file_id}", { params, signal }));
    },
  });
  const list = useList<Chunk>(["stores", storeId, "chunks", fileId, chosen], async (after, signal) => {
    const behind = after === undefined ? (chosen ?? 0) - 1 : Number(after);
    const params = { path: { store_id: storeId, file_id: fileId }, query: { limit: PAGE_SIZE, behind } };
    return fromList(await send(api.GET("/v1/vector-stores/{store_id}/files/{file_id}/content", { params, signal })));
  });
  const remove = (...names: string[]) =>
    setSearch((before) => {
      for (const name of names) before.delete(name);
      return before;
    });
  return (
    <Section title={words.chunks.title(file.data?.filename ?? fileId)}>
      <div className={styles.row}>
        <p className={styles.soft}>{words.chunks.intro}</p>
        {chosen !== null && chosen > 0 && (
          <Button size="small" onClick={() => remove("chunk", "q", "start", "end")}>
            {words.chunks.fromStart}
          </Button>
        )}
        <Button size="small" icon="close" onClick={() => remove("file", "chunk", "q", "start", "end")}>
          {words.chunks.close}
        </Button>
      </div>
      <List list={list} empty={<p>{words.chunks.none}</p>}>
        {(chunks) => (
          <ol className={styles.chunks}>
            {chunks.map((chunk) => (
              <ChunkItem key={chunk.position} chunk={chunk} isChosen={chunk.position === chosen} search={search} />
            ))}
          </ol>
        )}
      </List>
    </Section>
  );
}

function ChunkItem({ chunk, isChosen, search }: { chunk: Chunk; isChosen: boolean; search: URLSearchParams }) {
  const ref = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (!isChosen) return;
    ref.current?.focus({ preventScroll: true });
    ref.current?.scrollIntoView({ block: "center" });
  }, [isChosen]);
  return (
    <li
      ref={ref}
      tabIndex={-1}
      data-row
      data-copy={chunk.text}
      className={styles.chunk}
      aria-current={isChosen ? "true" : undefined}
    >
      <p className={styles.place}>
        <strong>{words.chunks.number(chunk.position)}</strong> · {describePlace(chunk)}
      </p>
      {chunk.header && <p className={styles.header}>{chunk.header}</p>}
      <MarkedText pieces={mark(chunk, search)} />
    </li>
  );
}

function mark(chunk: Chunk, search: URLSearchParams): Piece[] {
  const [start, end] = [readNumber(search, "start"), readNumber(search, "end")];
  if (start !== null && end !== null) return markRange(chunk.text, start - chunk.start, end - chunk.start);
  return markWords(chunk.text, search.get("q") ?? "");
}

function readNumber(search: URLSearchParams, name: string): number | null {
  const text = search.get(name);
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
