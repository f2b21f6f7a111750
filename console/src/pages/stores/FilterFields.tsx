import { Button, IconButton } from "@/components/Button";
import { SelectField, TextAreaField, TextField } from "@/components/Form";
import { buildFilter, type Condition, type Filter, OPERATORS, type Operator } from "./filters";
import styles from "./stores.module.css";
import { words } from "./words.en";

export interface FilterState {
  conditions: Condition[];
  combine: "and" | "or";
  /** The filter as JSON; null while it is edited as a form. */
  json: string | null;
}

export const NO_FILTERS: FilterState = { conditions: [], combine: "and", json: null };

/** Return the filter; undefined without conditions.
 *
 * @throws {Error} the JSON is invalid.
 */
export function readFilter({ conditions, combine, json }: FilterState): Filter | undefined {
  if (json === null) return buildFilter(conditions, combine);
  if (json.trim() === "") return undefined;
  try {
    return JSON.parse(json) as Filter;
  } catch (error) {
    throw new Error(words.search.badJson(error instanceof Error ? error.message : ""));
  }
}

interface FilterFieldsProps {
  state: FilterState;
  onChange: (state: FilterState) => void;
}

/** Filters by attributes, as conditions or as JSON. */
export function FilterFields({ state, onChange }: FilterFieldsProps) {
  const { conditions, combine, json } = state;
  const showJson = () => onChange({ ...state, json: JSON.stringify(buildFilter(conditions, combine) ?? {}, null, 2) });
  return (
    <fieldset className={styles.filters}>
      <legend>{words.search.filters}</legend>
      <div className={styles.switch}>
        <Button size="small" aria-pressed={json === null} onClick={() => onChange({ ...state, json: null })}>
          {words.search.asForm}
        </Button>
        <Button size="small" aria-pressed={json !== null} onClick={showJson}>
          {words.search.asJson}
        </Button>
      </div>
      {json === null ? (
        <Conditions state={state} onChange={onChange} />
      ) : (
        <TextAreaField
          name="filters"
          label={words.search.json}
          value={json}
          spellCheck={false}
          onChange={({ target }) => onChange({ ...state, json: target.value })}
        />
      )}
    </fieldset>
  );
}

function Conditions({ state, onChange }: FilterFieldsProps) {
  const { conditions, combine } = state;
  const replace = (next: Condition[]) => onChange({ ...state, conditions: next });
  const change = (id: number, changes: Partial<Condition>) =>
    replace(conditions.map((one) => (one.id === id ? { ...one, ...changes } : one)));
  const add = () => {
    const id = Math.max(0, ...conditions.map((one) => one.id)) + 1;
    replace([...conditions, { id, key: "", operator: "eq", value: "" }]);
  };
  return (
    <>
      {conditions.length > 1 && (
        <SelectField
          name="combine"
          label={words.search.combine}
          value={combine}
          onChange={({ target }) => onChange({ ...state, combine: target.value as "and" | "or" })}
        >
          <option value="and">{words.search.all}</option>
          <option value="or">{words.search.any}</option>
        </SelectField>
      )}
      {conditions.map((condition) => (
        <ConditionRow
          key={condition.id}
          condition={condition}
          onChange={(changes) => change(condition.id, changes)}
          onRemove={() => replace(conditions.filter(({ id }) => id !== condition.id))}
        />
      ))}
      <div>
        <Button size="small" icon="plus" onClick={add}>
          {words.search.addFilter}
        </Button>
      </div>
      {conditions.length > 0 && <p className={styles.hint}>{words.search.valueHint}</p>}
    </>
  );
}

interface ConditionRowProps {
  condition: Condition;
  onChange: (changes: Partial<Condition>) => void;
  onRemove: () => void;
}

function ConditionRow({ condition, onChange, onRemove }: ConditionRowProps) {
  return (
    <div className={styles.condition}>
      <TextField
        name="key"
        label={words.search.key}
        value={condition.key}
        maxLength={64}
        onChange={({ target }) => onChange({ key: target.value })}
      />
      <SelectField
        name="operator"
        label={words.search.operator}
        value={condition.operator}
        onChange={({ target }) => onChange({ operator: target.value as Operator })}
      >
        {OPERATORS.map((operator) => (
          <option key={operator} value={operator}>
            {words.search.operators[operator]}
          </option>
        ))}
      </SelectField>
      <TextField
        name="value"
        label={words.search.value}
        value={condition.value}
        onChange={({ target }) => onChange({ value: target.value })}
      />
      <IconButton icon="close" label={words.search.removeFilter(condition.key)} onClick={onRemove} />
    </div>
  );
}
