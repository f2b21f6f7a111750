import { type ClipboardEvent, type DragEvent, type KeyboardEvent, useRef } from "react";
import type { StoredFile } from "@/api/uploads";
import { IconButton } from "@/components/Button";
import { AttachedFiles } from "./AttachedFiles";
import styles from "./Composer.module.css";
import { useAttachments } from "./useAttachments";
import { useDraft } from "./useDraft";
import { words } from "./words.en";

interface ComposerProps {
  threadId: string | null;
  /** The text of a new thread, from a link. */
  initial?: string;
  isSending: boolean;
  /** Stops the open run, if there is one. */
  onStop: (() => void) | null;
  onSend: (text: string, files: StoredFile[]) => void;
  /** Why files of other types than images cannot be used. */
  fileHint?: string | null;
}

/** The field for messages. Its state is its own: typing renders nothing else. Use the thread as its key. */
export function Composer({ threadId, initial = "", isSending, onStop, onSend, fileHint }: ComposerProps) {
  const [text, setText] = useDraft(threadId, initial);
  const attachments = useAttachments();
  const picker = useRef<HTMLInputElement>(null);
  const stored = attachments.files.flatMap((file) => (file.stored ? [file.stored] : []));
  const canSend = !isSending && !attachments.isBusy && (text.trim() !== "" || stored.length > 0);

  const submit = () => {
    if (!canSend) return;
    onSend(text.trim(), stored);
    setText("");
    attachments.clear();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter accepts its candidate. Safari reports that key as 229.
    if (event.key !== "Enter" || event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.shiftKey && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    submit();
  };
  const onPaste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    attachments.add(event.clipboardData.files);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    attachments.add(event.dataTransfer.files);
  };
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={onDrop}
    >
      <AttachedFiles attachments={attachments} hint={fileHint ?? null} />
      <textarea
        className={styles.field}
        data-focus-key
        rows={1}
        dir="auto"
        aria-label={words.composer.label}
        placeholder={words.composer.placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <div className={styles.bar}>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            attachments.add(event.target.files ?? []);
            event.target.value = "";
          }}
        />
        <IconButton icon="attach" label={words.composer.attach} onClick={() => picker.current?.click()} />
        <span className={styles.hint}>{words.composer.hint}</span>
        {onStop && <IconButton icon="stop" kind="normal" label={words.composer.stop} onClick={onStop} />}
        <IconButton type="submit" icon="send" kind="primary" label={words.composer.send} isBusy={!canSend} />
      </div>
    </form>
  );
}
