import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, send } from "@/api/client";
import { useCommand } from "@/api/queries";
import { Button } from "@/components/Button";
import { Form, SelectField } from "@/components/Form";
import { Skeleton } from "@/components/List";
import styles from "./stores.module.css";
import { words } from "./words.en";

const SHOWN_FILES = 100;

/** Adds a file that is uploaded already. */
export function AddExisting({ storeId }: { storeId: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{words.file.addExisting}</summary>
      {isOpen && <Choice storeId={storeId} />}
    </details>
  );
}

function Choice({ storeId }: { storeId: string }) {
  const [fileId, setFileId] = useState("");
  const { data } = useQuery({
    queryKey: ["files", "recent"],
    queryFn: ({ signal }) => send(api.GET("/v1/files", { params: { query: { limit: SHOWN_FILES } }, signal })),
  });
  const command = useCommand(
    (chosen: string, header) => {
      const params = { path: { store_id: storeId }, header };
      return send(api.POST("/v1/vector-stores/{store_id}/files", { params, body: { file_id: chosen } }));
    },
    { invalidates: [["stores", storeId]] },
  );
  if (!data) return <Skeleton lines={1} />;
  if (data.data.length === 0) return <p>{words.file.noFiles}</p>;
  const chosen = fileId || (data.data[0]?.id ?? "");
  return (
    <Form fields={["file_id"]} error={command.error} onSubmit={() => command.run(chosen)}>
      <div className={styles.row}>
        <SelectField
          name="file_id"
          label={words.file.choose}
          value={chosen}
          onChange={({ target }) => setFileId(target.value)}
        >
          {data.data.map(({ id, filename }) => (
            <option key={id} value={id}>
              {filename}
            </option>
          ))}
        </SelectField>
        <Button type="submit" isBusy={command.isRunning}>
          {words.file.add}
        </Button>
      </div>
    </Form>
  );
}
