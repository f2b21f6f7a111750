/** Filters of a search, as rows of a form and as the API has them. */

export const OPERATORS = ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  id: number;
  key: string;
  operator: Operator;
  value: string;
}

export type Filter = Record<string, unknown>;

/** Return the filter of a form; undefined if no condition names an attribute. */
export function buildFilter(conditions: Condition[], combine: "and" | "or"): Filter | undefined {
  const filters = conditions
    .filter(({ key }) => key.trim() !== "")
    .map(({ key, operator, value }) => ({
      type: operator,
      key: key.trim(),
      value: operator === "in" || operator === "nin" ? value.split(",").map(parseValue) : parseValue(value),
    }));
  return filters.length > 1 ? { type: combine, filters } : filters[0];
}

/** A value as it is typed: `2026` is a number, `"2026"` a text. */
export function parseValue(typed: string): string | number | boolean {
  const text = typed.trim();
  if (text === "true" || text === "false") return text === "true";
  if (/^".*"$/s.test(text)) return text.slice(1, -1);
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
