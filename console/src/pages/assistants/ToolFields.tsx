import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { Link } from "wouter";
import { api, send } from "@/api/client";
import { useHealth } from "@/api/queries";
import { CheckField } from "@/components/Form";
import { Section } from "@/components/Page";
import type { FieldsProps } from "./AssistantEditor";
import styles from "./assistants.module.css";
import {
  chooseFile,
  chooseStore,
  type Draft,
  listFileIds,
  listStoreIds,
  listTools,
  PLATFORM_TOOLS,
  switchTool,
} from "./draft";
import { words } from "./words.en";

const SHOWN = 100;

/** A switch for each tool of the platform; files and stores for those that use them. */
export function ToolFields({ draft, onChange }: FieldsProps) {
  const types = new Set(listTools(draft).map(({ type }) => type));
  return (
    <Section title={words.tools}>
      <ul className={styles.tools}>
        {PLATFORM_TOOLS.map((type) => (
          <li key={type} className={styles.tool}>
            <ToolSwitch
              type={type}
              isOn={types.has(type)}
              onSwitch={(isOn) => onChange(switchTool(draft, type, isOn))}
            />
            {type === "file_search" && types.has(type) && <Stores draft={draft} onChange={onChange} />}
            {type === "code_interpreter" && types.has(type) && <Files draft={draft} onChange={onChange} />}
          </li>
        ))}
      </ul>
      <Functions draft={draft} />
    </Section>
  );
}

interface ToolSwitchProps {
  type: string;
  isOn: boolean;
  onSwitch: (isOn: boolean) => void;
}

function ToolSwitch({ type, isOn, onSwitch }: ToolSwitchProps) {
  const id = useId();
  const health = useHealth().data?.tools[type] as { available?: boolean; reason?: string } | undefined;
  const [label, text] = words.toolTexts[type] ?? [type, ""];
  return (
    <div className={styles.switchRow}>
      <input
        id={id}
        type="checkbox"
        role="switch"
        aria-checked={isOn}
        aria-describedby={`${id}-text`}
        className={styles.toggle}
        checked={isOn}
        onChange={({ target }) => onSwitch(target.checked)}
      />
      <div>
        <label htmlFor={id}>{label}</label>
        <p id={`${id}-text`} className={styles.soft}>
          {text}
          {health?.available === false && (
            <span className={styles.warn}>
              {" "}
              {words.toolOff} {health.reason}
            </span>
          )}
        </p>
      </div>
    </div>
  );
}

function Stores({ draft, onChange }: FieldsProps) {
  const { data } = useQuery({
    queryKey: ["stores", "choice"],
    queryFn: ({ signal }) => send(api.GET("/v1/vector-stores", { params: { query: { limit: SHOWN } }, signal })),
  });
  return (
    <Choices
      legend={words.stores}
      options={data?.map(({ id, name }) => ({ id, name }))}
      chosen={listStoreIds(draft)}
      onChoose={(id, isChosen) => onChange(chooseStore(draft, id, isChosen))}
      empty={
        <>
          {words.noStores} <Link href="/stores">{words.newStore}</Link>
        </>
      }
    />
  );
}

function Files({ draft, onChange }: FieldsProps) {
  const { data } = useQuery({
    queryKey: ["files", "recent"],
    queryFn: ({ signal }) => send(api.GET("/v1/files", { params: { query: { limit: SHOWN } }, signal })),
  });
  return (
    <Choices
      legend={words.files}
      options={data?.data.map(({ id, filename }) => ({ id, name: filename }))}
      chosen={listFileIds(draft)}
      onChoose={(id, isChosen) => onChange(chooseFile(draft, id, isChosen))}
      empty={
        <>
          {words.noFiles} <Link href="/files">{words.newFile}</Link>
        </>
      }
    />
  );
}

interface ChoicesProps {
  legend: string;
  options: { id: string; name: string }[] | undefined;
  chosen: string[];
  onChoose: (id: string, isChosen: boolean) => void;
  empty: ReactNode;
}

/** What can be chosen, and what is chosen beyond the first hundred. */
function Choices({ legend, options = [], chosen, onChoose, empty }: ChoicesProps) {
  const known = new Set(options.map(({ id }) => id));
  const all = [...options, ...chosen.filter((id) => !known.has(id)).map((id) => ({ id, name: id }))];
  return (
    <fieldset className={styles.choices}>
      <legend>{legend}</legend>
      {all.length === 0 && <p className={styles.soft}>{empty}</p>}
      {all.map(({ id, name }) => (
        <CheckField
          key={id}
          label={name || id}
          checked={chosen.includes(id)}
          onChange={({ target }) => onChoose(id, target.checked)}
        />
      ))}
    </fieldset>
  );
}

function Functions({ draft }: { draft: Draft }) {
  const functions = listTools(draft).filter(({ type }) => type === "function");
  return (
    <div>
      <h3 className={styles.small}>{words.functions}</h3>
      <p className={styles.soft}>{words.functionsHint}</p>
      <ul className={styles.functions}>
        {functions.map((tool) => {
          const { name, description } = (tool.function ?? {}) as { name?: string; description?: string };
          return (
            <li key={name}>
              <code>{name}</code> <span className={styles.soft}>{description}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
