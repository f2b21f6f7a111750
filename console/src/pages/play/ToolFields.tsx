import { useQuery } from "@tanstack/react-query";
import { api, send } from "@/api/client";
import { useHealth } from "@/api/queries";
import { CheckField } from "@/components/Form";
import type { SettingsProps } from "./AssistantSettings";
import styles from "./play.module.css";
import { TOOLS, type ToolName } from "./settings";
import { words } from "./words.en";

interface ToolState {
  available?: boolean;
  reason?: string | null;
}

/** Switches of the platform's tools, with the reason if one is off, and the stores to search. */
export function ToolFields({ settings, change }: SettingsProps) {
  const { data: health } = useHealth();
  const toggle = (tool: ToolName, isOn: boolean) =>
    change({ tools: isOn ? [...settings.tools, tool] : settings.tools.filter((other) => other !== tool) });
  return (
    <fieldset className={styles.group}>
      <legend>{words.assistant.tools}</legend>
      {TOOLS.map((tool) => {
        const state = health?.tools[tool] as ToolState | undefined;
        const reason = state?.available === false ? words.assistant.off(state.reason ?? "") : null;
        return (
          <CheckField
            key={tool}
            label={
              <>
                {words.tools[tool]}
                {reason && <span className={styles.hint}> {reason}</span>}
              </>
            }
            checked={settings.tools.includes(tool)}
            onChange={(event) => toggle(tool, event.target.checked)}
          />
        );
      })}
      {settings.tools.includes("file_search") && <StoreFields settings={settings} change={change} />}
    </fieldset>
  );
}

function StoreFields({ settings, change }: SettingsProps) {
  const { data } = useQuery({
    queryKey: ["stores", "choices"],
    queryFn: () => send(api.GET("/v1/vector-stores", { params: { query: { limit: 100, order: "desc" } } })),
  });
  if (!data) return null;
  return (
    <fieldset className={styles.inner}>
      <legend>{words.assistant.stores}</legend>
      {data.length === 0 && <p className={styles.hint}>{words.assistant.noStores}</p>}
      {data.map(({ id, name }) => (
        <CheckField
          key={id}
          label={name || id}
          checked={settings.stores.includes(id)}
          onChange={(event) =>
            change({
              stores: event.target.checked ? [...settings.stores, id] : settings.stores.filter((other) => other !== id),
            })
          }
        />
      ))}
    </fieldset>
  );
}
