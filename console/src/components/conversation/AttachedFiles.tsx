import { IconButton } from "@/components/Button";
import { describeError } from "@/components/ErrorBox";
import { Icon } from "@/components/Icon";
import { formatBytes } from "@/format";
import styles from "./Composer.module.css";
import type { Attached, useAttachments } from "./useAttachments";
import { words } from "./words.en";

interface AttachedFilesProps {
  attachments: ReturnType<typeof useAttachments>;
  hint: string | null;
}

/** The files of the next message. */
export function AttachedFiles({ attachments, hint }: AttachedFilesProps) {
  if (attachments.files.length === 0) return null;
  const needsTool = hint !== null && attachments.files.some(({ source }) => !source.type.startsWith("image/"));
  return (
    <>
      <ul className={styles.files}>
        {attachments.files.map((file) => (
          <li key={file.key} className={styles.file}>
            <Icon name="files" size={15} />
            <bdi className={styles.name}>{file.source.name}</bdi>
            <FileState file={file} />
            {file.state === "failed" && (
              <IconButton
                size="small"
                icon="arrow"
                label={words.composer.retry}
                onClick={() => attachments.retry(file.key)}
              />
            )}
            <IconButton
              size="small"
              icon="close"
              label={words.composer.remove(file.source.name)}
              onClick={() => attachments.remove(file.key)}
            />
          </li>
        ))}
      </ul>
      {needsTool && <p className={styles.warning}>{hint}</p>}
    </>
  );
}

function FileState({ file }: { file: Attached }) {
  const percent = `${Math.round(file.share * 100)} %`;
  if (file.state === "failed") {
    return (
      <span role="alert" className={styles.failed}>
        {words.composer.failed}: {describeError(file.error)}
      </span>
    );
  }
  if (file.state === "stored") return <span className={styles.facts}>{formatBytes(file.source.size)}</span>;
  return (
    <progress className={styles.progress} value={file.share} max={1} aria-label={words.composer.uploading(percent)} />
  );
}
