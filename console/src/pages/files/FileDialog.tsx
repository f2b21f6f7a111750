import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { api, fetchRaw, send, toOwnOrigin } from "@/api/client";
import type { components } from "@/api/schema";
import { Button } from "@/components/Button";
import { CodeBlock } from "@/components/CodeBlock";
import { Dialog } from "@/components/Dialog";
import { ErrorBox } from "@/components/ErrorBox";
import { type Fact, Facts } from "@/components/Facts";
import { IdLink } from "@/components/IdLink";
import { Skeleton } from "@/components/List";
import { TimeAgo } from "@/components/TimeAgo";
import { formatBytes } from "@/format";
import styles from "./files.module.css";
import { choosePreview, findLanguage } from "./previews";
import { findUsage, SEARCHED } from "./usage";
import { words } from "./words.en";

type StoredFile = components["schemas"]["File"];

const LINK_SECONDS = 3600;
const PREVIEW_BYTES = 65_536;

interface FileDialogProps {
  id: string;
  onClose: () => void;
  onDelete: (file: StoredFile) => void;
}

/** A file: what it is, what a browser may show of it, and what uses it. */
export function FileDialog({ id, onClose, onDelete }: FileDialogProps) {
  const file = useQuery({
    queryKey: ["files", "one", id],
    queryFn: ({ signal }) => send(api.GET("/v1/files/{file_id}", { params: { path: { file_id: id } }, signal })),
  });
  const link = useQuery({
    queryKey: ["files", "one", id, "link"],
    queryFn: async ({ signal }) => {
      const params = { path: { file_id: id }, query: { expires_in: LINK_SECONDS, use_real_filename: true } };
      const { signed_url } = await send(api.GET("/v1/files/{file_id}/signed-url", { params, signal }));
      return toOwnOrigin(signed_url);
    },
    enabled: file.data !== undefined,
    staleTime: (LINK_SECONDS / 2) * 1000,
  });
  const { data } = file;
  return (
    <Dialog title={data?.filename ?? words.title} isOpen onClose={onClose} isWide>
      {!data && (file.error ? <ErrorBox error={file.error} onRetry={() => void file.refetch()} /> : <Skeleton />)}
      {data && (
        <>
          <FileFacts file={data} />
          <Preview file={data} link={link.data} />
          <Usage fileId={id} />
          <div className={styles.actions}>
            {link.data && (
              <a href={link.data} download={data.filename}>
                {words.download}
              </a>
            )}
            <Button kind="danger" onClick={() => onDelete(data)}>
              {words.delete}
            </Button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function FileFacts({ file }: { file: StoredFile }) {
  const facts: Fact[] = [
    [words.type, <code key="type">{file.mime_type}</code>],
    [words.size, formatBytes(file.bytes)],
    [words.purpose, file.purpose],
    [words.created, <TimeAgo key="created" time={file.created_at} />],
    [words.expires, file.expires_at == null ? words.never : <TimeAgo key="expires" time={file.expires_at} />],
    [words.id, <IdLink key="id" id={file.id} canCopy />],
  ];
  if (file.run_id != null) facts.push([words.run, <IdLink key="run" id={file.run_id} />]);
  return (
    <>
      <Facts facts={facts} />
      <Facts isList facts={[[words.hash, <code key="hash">{file.sha256}</code>]]} />
    </>
  );
}

function Preview({ file, link }: { file: StoredFile; link: string | undefined }) {
  const kind = choosePreview(file.mime_type);
  return (
    <section aria-label={words.preview} className={styles.part}>
      <h3>{words.preview}</h3>
      {kind === "text" && <TextPreview file={file} />}
      {kind === "none" && <p className={styles.soft}>{words.noPreview}</p>}
      {kind === "image" && link && <img className={styles.image} src={link} alt={words.previewOf(file.filename)} />}
      {kind === "pdf" && link && (
        <p>
          {words.openPdf}{" "}
          <a href={link} target="_blank" rel="noreferrer">
            {words.open}
          </a>
        </p>
      )}
    </section>
  );
}

function TextPreview({ file }: { file: StoredFile }) {
  const { data, error } = useQuery({
    queryKey: ["files", "one", file.id, "text"],
    queryFn: async ({ signal }) => {
      const headers = { range: `bytes=0-${PREVIEW_BYTES - 1}` };
      const response = await fetchRaw(`/v1/files/${encodeURIComponent(file.id)}/content`, { headers, signal });
      return response.text();
    },
    enabled: file.bytes > 0,
  });
  if (file.bytes === 0) return <p className={styles.soft}>{words.emptyFile}</p>;
  if (data === undefined) return error ? <ErrorBox error={error} /> : <Skeleton lines={2} />;
  return (
    <>
      <div className={styles.code}>
        <CodeBlock code={data} language={findLanguage(file.filename)} />
      </div>
      {file.bytes > PREVIEW_BYTES && <p className={styles.soft}>{words.cut(PREVIEW_BYTES, file.bytes)}</p>}
    </>
  );
}

function Usage({ fileId }: { fileId: string }) {
  const { data, error } = useQuery({
    queryKey: ["files", "one", fileId, "usage"],
    queryFn: ({ signal }) => findUsage(fileId, signal),
  });
  return (
    <section aria-label={words.usage} className={styles.part}>
      <h3>{words.usage}</h3>
      {!data && (error ? <ErrorBox error={error} /> : <Skeleton lines={1} />)}
      {data && data.assistants.length + data.stores.length === 0 && <p className={styles.soft}>{words.unused}</p>}
      {data && (
        <ul className={styles.uses}>
          {data.assistants.map(({ id, name }) => (
            <li key={id}>
              <Link href={`/assistants/${id}`}>{name || words.unnamedAssistant}</Link>
            </li>
          ))}
          {data.stores.map(({ id, name }) => (
            <li key={id}>
              <Link href={`/stores/${id}?file=${fileId}`}>{name || words.unnamedStore}</Link>
            </li>
          ))}
        </ul>
      )}
      {data?.isPartial && <p className={styles.soft}>{words.usedMore(SEARCHED)}</p>}
    </section>
  );
}
