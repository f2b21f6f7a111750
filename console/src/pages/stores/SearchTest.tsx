import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { api, send } from "@/api/client";
import { ApiError } from "@/api/errors";
import { useCommand } from "@/api/queries";
import type { components } from "@/api/schema";
import { Button } from "@/components/Button";
import { Form, TextField } from "@/components/Form";
import { formatNumber } from "@/format";
import { FilterFields, type FilterState, NO_FILTERS, readFilter } from "./FilterFields";
import { MarkedText } from "./MarkedText";
import { cutToMarks, markWords } from "./marks";
import { describePlace, type Store } from "./store";
import styles from "./stores.module.css";
import { words } from "./words.en";

type Results = components["schemas"]["SearchResults"];
type Result = Results["data"][number];

const EXCERPT = 700;
const FIELDS = ["query", "max_num_results", "ranking_options"];

/** Searches a store as `file_search` does, and shows what it finds and why. */
export function SearchTest({ store }: { store: Store }) {
  const [query, setQuery] = useState("");
  const [limit, setLimit] = useState("10");
  const [threshold, setThreshold] = useState("0");
  const [filters, setFilters] = useState<FilterState>(NO_FILTERS);
  const command = useCommand(async (asked: string, header) => {
    const body = {
      query: asked,
      max_num_results: Number(limit),
      ranking_options: { score_threshold: Number(threshold) },
      filters: readFilter(filters) ?? null,
    };
    const params = { path: { store_id: store.id }, header };
    const results = await send(api.POST("/v1/vector-stores/{store_id}/search", { params, body }));
    return { query: asked, results };
  });
  return (
    <>
      <Form
        fields={filters.json === null ? FIELDS : [...FIELDS, "filters"]}
        error={command.error}
        onSubmit={() => command.run(query)}
      >
        <div className={styles.row}>
          <TextField
            name="query"
            label={words.search.query}
            type="search"
            maxLength={4096}
            value={query}
            data-focus-key
            onChange={({ target }) => setQuery(target.value)}
          />
          <Button kind="primary" icon="search" type="submit" isBusy={command.isRunning}>
            {words.search.submit}
          </Button>
        </div>
        <p className={styles.soft}>{words.modeHint[store.search_mode]}</p>
        <details open={hasOptionError(command.error) || undefined}>
          <summary>{words.search.options}</summary>
          <div className={styles.options}>
            <div className={styles.pair}>
              <TextField
                name="max_num_results"
                label={words.search.limit}
                type="number"
                min={1}
                max={50}
                value={limit}
                onChange={({ target }) => setLimit(target.value)}
              />
              <TextField
                name="ranking_options"
                label={words.search.threshold}
                hint={words.search.thresholdHint}
                type="number"
                min={0}
                max={1}
                step={0.05}
                value={threshold}
                onChange={({ target }) => setThreshold(target.value)}
              />
            </div>
            <FilterFields state={filters} onChange={setFilters} />
          </div>
        </details>
      </Form>
      {command.result && <Found storeId={store.id} {...command.result} />}
    </>
  );
}

function hasOptionError(error: unknown): boolean {
  return error instanceof ApiError && error.param !== null && error.param !== "query";
}

function Found({ storeId, query, results }: { storeId: string; query: string; results: Results }) {
  const mode = words.modes[results.search_mode] ?? results.search_mode;
  return (
    <div className={styles.found}>
      <p role="status">
        {words.search.found(results.data.length)} · {words.search.searchedBy(mode)}
      </p>
      {results.remarks.length > 0 && <Remarks remarks={results.remarks} />}
      {results.data.length === 0 && <p>{words.search.none}</p>}
      <ol className={styles.chunks} aria-label={words.search.results}>
        {results.data.map((result) => (
          <Hit key={`${result.file_id}-${result.chunk.position}`} storeId={storeId} query={query} result={result} />
        ))}
      </ol>
    </div>
  );
}

function Remarks({ remarks }: { remarks: string[] }): ReactNode {
  return (
    <ul aria-label={words.search.remarks} className={styles.remarks}>
      {remarks.map((remark) => (
        <li key={remark}>{remark}</li>
      ))}
    </ul>
  );
}

function Hit({ storeId, query, result }: { storeId: string; query: string; result: Result }) {
  const { chunk, score, filename } = result;
  const address = new URLSearchParams({ file: result.file_id, chunk: String(chunk.position), q: query });
  const shown = formatNumber(Math.round(score * 1000) / 1000);
  return (
    <li className={styles.chunk} data-row data-copy={chunk.text}>
      <div className={styles.place}>
        <bdi>
          <strong>{filename}</strong>
        </bdi>
        <span>{describePlace(chunk)}</span>
        <span className={styles.score}>
          <span className={styles.bar} aria-hidden="true">
            <span style={{ inlineSize: `${Math.min(Math.max(score, 0), 1) * 100}%` }} />
          </span>
          <span className="quiet">{words.search.score} </span>
          {shown}
        </span>
        <Link href={`/stores/${storeId}?${address}`}>
          {words.search.open}
          <span className="quiet">: {filename}</span>
        </Link>
      </div>
      {chunk.header && <p className={styles.header}>{chunk.header}</p>}
      <MarkedText pieces={cutToMarks(markWords(chunk.text, query), EXCERPT)} />
    </li>
  );
}
