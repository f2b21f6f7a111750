import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useHealth } from "@/api/queries";
import { announce } from "@/components/notices";
import { words } from "@/words";
import styles from "./Shell.module.css";

/** Says that the server is away or only reads; it goes away by itself. */
export function ServerBanner() {
  const { data: health, isError } = useHealth();
  const client = useQueryClient();
  const wasAway = useRef(false);
  useEffect(() => {
    if (wasAway.current && !isError) {
      announce(words.server.back);
      // What failed while it was away is read again.
      void client.invalidateQueries();
    }
    wasAway.current = isError;
  }, [isError, client]);
  const text = isError ? words.server.away : health?.held_since ? words.server.held : null;
  return <div role="status">{text !== null && <p className={styles.banner}>{text}</p>}</div>;
}
