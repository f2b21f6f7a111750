import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { announce } from "@/components/notices";
import { nameOf, type Store } from "./store";
import { words } from "./words.en";

interface DeleteStoreProps {
  /** The store to delete, null if none is chosen. */
  store: Store | null;
  onClose: () => void;
  onDeleted?: () => void;
}

export function DeleteStore({ store, onClose, onDeleted }: DeleteStoreProps) {
  const command = useCommand(
    async (chosen: Store) => {
      await send(api.DELETE("/v1/vector-stores/{store_id}", { params: { path: { store_id: chosen.id } } }));
      return chosen;
    },
    {
      // Not the query of the store itself, which is gone.
      invalidates: [
        ["stores", "list"],
        ["stores", "choice"],
      ],
      onSuccess: (chosen) => {
        announce(words.deleted(nameOf(chosen)));
        onClose();
        onDeleted?.();
      },
    },
  );
  if (store === null) return null;
  return (
    <ConfirmDialog
      title={words.deleteTitle(nameOf(store))}
      isOpen
      onClose={onClose}
      onConfirm={() => command.run(store)}
      isBusy={command.isRunning}
      error={command.error}
    >
      <p>{words.deleteText(store.file_counts.total)}</p>
    </ConfirmDialog>
  );
}
