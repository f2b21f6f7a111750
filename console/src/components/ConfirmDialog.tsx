import type { ReactNode } from "react";
import { words } from "@/words";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ErrorBox } from "./ErrorBox";

interface ConfirmDialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => void;
  isBusy: boolean;
  error?: unknown;
  /** What the button says. */
  action?: string;
  /** What goes with it. */
  children: ReactNode;
}

/** Asks before something is destroyed, and names what goes with it. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { title, isOpen, onClose, onConfirm, isBusy, error, action = words.dialog.delete, children } = props;
  return (
    <Dialog
      title={title}
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose} data-autofocus>
            {words.dialog.cancel}
          </Button>
          <Button kind="danger" onClick={onConfirm} isBusy={isBusy}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {error != null && <ErrorBox error={error} />}
    </Dialog>
  );
}
