import { api, send } from "@/api/client";
import { useList } from "@/api/queries";
import { CheckField, TextField } from "@/components/Form";
import { EmptyState, List } from "@/components/List";
import { Page, Section } from "@/components/Page";
import { Pill } from "@/components/Pill";
import { type Column, Table } from "@/components/Table";
import { useFilters } from "@/components/useFilters";
import { findSettings, groupSettings, type Setting } from "./groups";
import styles from "./settings.module.css";
import { words } from "./words.en";

/** The settings in force, for admins. */
export default function SettingsPage() {
  const [filters, setFilter] = useFilters();
  const list = useList(["settings"], async (_after, signal) => {
    const { settings } = await send(api.GET("/v1/settings", { signal }));
    return { items: settings, hasMore: false, lastId: null };
  });
  return (
    <Page title={words.title} intro={words.intro}>
      <List list={list} empty={<EmptyState text={words.empty} code="projectdavid settings" />}>
        {(settings) => (
          <>
            <search className={styles.filters}>
              <TextField
                name="q"
                type="search"
                label={words.find}
                data-focus-key
                value={filters.get("q") ?? ""}
                onChange={(event) => setFilter("q", event.target.value)}
              />
              <CheckField
                label={words.changedOnly}
                checked={filters.has("set")}
                onChange={(event) => setFilter("set", event.target.checked ? "1" : "")}
              />
            </search>
            <Groups settings={findSettings(settings, filters.get("q") ?? "", filters.has("set"))} />
          </>
        )}
      </List>
    </Page>
  );
}

function Groups({ settings }: { settings: Setting[] }) {
  if (settings.length === 0) return <p role="status">{words.none}</p>;
  return groupSettings(settings).map(([group, members]) => (
    <Section key={group} title={words.groups[group]}>
      <Table caption={words.groups[group]} columns={COLUMNS} rows={members} keyOf={({ name }) => name} />
    </Section>
  ));
}

const COLUMNS: Column<Setting>[] = [
  {
    label: words.name,
    render: ({ name, variable }) => (
      <span className={styles.name} data-copy={variable}>
        <code>{name}</code>
        <small>{variable}</small>
      </span>
    ),
  },
  {
    label: words.value,
    render: (setting) => (
      <span className={styles.value}>
        <Value value={setting.value} />
        {setting.source !== "default" && <small>{words.default(describe(setting.default))}</small>}
      </span>
    ),
  },
  {
    label: words.source,
    render: ({ source }) => (
      <Pill tone={source === "default" ? "neutral" : "info"}>{words.sources[source] ?? source}</Pill>
    ),
  },
];

function Value({ value }: { value: unknown }) {
  if (isEmpty(value)) return <span>{describe(value)}</span>;
  return <code>{typeof value === "object" ? JSON.stringify(value, null, 2) : String(value)}</code>;
}

function describe(value: unknown): string {
  if (isEmpty(value)) return value == null ? words.notSet : words.emptyText;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isEmpty(value: unknown): boolean {
  return value == null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}
