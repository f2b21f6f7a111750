import { type ReactNode, useEffect, useId, useRef } from "react";
import { words } from "@/words";
import { IconButton } from "./Button";
import { classes } from "./classes";
import styles from "./Dialog.module.css";

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** Buttons at the end. */
  actions?: ReactNode;
  isWide?: boolean;
  /** Without it, neither Escape nor a press beside the dialog closes it. */
  canClose?: boolean;
  children: ReactNode;
}

/** A modal dialog of the browser: it keeps the focus inside, and gives it back when it closes. */
export function Dialog({ title, isOpen, onClose, actions, isWide, canClose = true, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();

  useEffect(() => {
    const dialog = ref.current;
    if (!dialog || !isOpen) return;
    const before = document.activeElement;
    dialog.showModal();
    // The attribute of React focuses before the dialog is open.
    dialog.querySelector<HTMLElement>("[data-autofocus]")?.focus();
    return () => {
      dialog.close();
      // React has removed the dialog by now, and the browser gives the focus back only from one in the page.
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [isOpen]);

  if (!isOpen) return null;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same.
    <dialog
      ref={ref}
      aria-labelledby={id}
      className={classes(styles.dialog, isWide && styles.wide)}
      onCancel={(event) => {
        event.preventDefault();
        if (canClose) onClose();
      }}
      onClick={(event) => {
        if (canClose && event.target === ref.current) onClose();
      }}
    >
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        {canClose && <IconButton icon="close" label={words.dialog.close} onClick={onClose} />}
      </div>
      <div className={styles.body}>
        {children}
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
    </dialog>
  );
}
