import { useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef, useState } from "react";
import { api, send, toOwnOrigin } from "@/api/client";
import { Icon } from "@/components/Icon";
import { formatBytes } from "@/format";
import { describeError } from "../ErrorBox";
import styles from "./Files.module.css";
import { words } from "./words.en";

/** Links open for ten minutes; they are asked for again before that. */
const LINK_MS = 5 * 60_000;

export interface ShownFile {
  fileId: string;
  name: string;
  mimeType: string;
  size?: number | undefined;
  isDeleted?: boolean;
}

/** A file of a message or call, as the wire has it. */
export function toShownFile(attachment: Record<string, unknown>): ShownFile {
  return {
    fileId: String(attachment.file_id),
    name: String(attachment.filename ?? attachment.file_id),
    mimeType: String(attachment.mime_type ?? ""),
    size: typeof attachment.size === "number" ? attachment.size : undefined,
    isDeleted: attachment.deleted === true,
  };
}

/** Images in line, other files as rows with a download. */
export function Files({ files }: { files: ShownFile[] }) {
  if (files.length === 0) return null;
  return (
    <ul className={styles.files}>
      {files.map((file) => (
        <li key={file.fileId}>
          <FileView file={file} />
        </li>
      ))}
    </ul>
  );
}

function FileView({ file }: { file: ShownFile }) {
  const ref = useRef<HTMLElement>(null);
  const isInView = useInView(ref);
  const isImage = /^image\/(png|jpeg|gif|webp)$/.test(file.mimeType);
  const { data, error } = useQuery({
    queryKey: ["files", file.fileId, "link"],
    queryFn: () =>
      send(
        api.GET("/v1/files/{file_id}/signed-url", {
          params: { path: { file_id: file.fileId }, query: { use_real_filename: true } },
        }),
      ),
    enabled: isInView && file.isDeleted !== true,
    staleTime: LINK_MS,
    refetchInterval: LINK_MS,
  });
  const link = data && toOwnOrigin(data.signed_url);
  return (
    <figure ref={ref} className={styles.file}>
      {isImage && link && <img src={link} alt={file.name} className={styles.image} />}
      {isImage && !link && !error && file.isDeleted !== true && <div className={styles.empty} />}
      <figcaption className={styles.caption}>
        <Icon name="files" size={15} />
        {link ? (
          <a href={link} download={file.name} aria-label={words.file.download(file.name)}>
            <bdi>{file.name}</bdi>
          </a>
        ) : (
          <bdi>{file.name}</bdi>
        )}
        <span className={styles.facts}>
          {file.size !== undefined && formatBytes(file.size)}
          {file.isDeleted && words.file.deleted}
          {error && `${words.file.gone} ${describeError(error)}`}
        </span>
      </figcaption>
    </figure>
  );
}

/** Whether an element has come near the visible part of the page. */
function useInView(ref: RefObject<HTMLElement | null>): boolean {
  const [isInView, setInView] = useState(false);
  useEffect(() => {
    if (!ref.current || isInView) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setInView(true);
      },
      { rootMargin: "300px" },
    );
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref, isInView]);
  return isInView;
}
