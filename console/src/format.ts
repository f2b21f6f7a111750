/** Numbers, money, sizes and times in the language of the page. */

const LANGUAGE = "en";
const pluralRules = new Intl.PluralRules(LANGUAGE);
const numbers = new Intl.NumberFormat(LANGUAGE);
const ago = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto", style: "long" });
const clock = new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const moment = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

/** A text with a count: `plural(3, { one: "# file", other: "# files" })` is "3 files". */
export function plural(count: number, forms: Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }): string {
  return (forms[pluralRules.select(count)] ?? forms.other).replace("#", numbers.format(count));
}

export function formatNumber(value: number): string {
  return numbers.format(value);
}

/** Money with up to six decimals: a run often costs less than a cent. */
export function formatMoney(value: number, currency = "USD"): string {
  const digits = value !== 0 && Math.abs(value) < 0.1 ? 6 : 2;
  return new Intl.NumberFormat(LANGUAGE, { style: "currency", currency, maximumFractionDigits: digits }).format(value);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const format = {
    style: "unit",
    unit: UNITS[step],
    unitDisplay: "short",
    maximumFractionDigits: step > 1 ? 1 : 0,
  } as const;
  return new Intl.NumberFormat(LANGUAGE, format).format(bytes / 1000 ** step);
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
];

/** "3 minutes ago", "in 2 hours". */
export function formatAgo(date: Date, now = new Date()): string {
  let value = (date.getTime() - now.getTime()) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(value) < size)
      return unit === "second" && Math.abs(value) < 10 ? "now" : ago.format(Math.trunc(value), unit);
    value /= size;
  }
  return "";
}

export function formatClock(date: Date): string {
  return clock.format(date);
}

export function formatMoment(date: Date): string {
  return moment.format(date);
}

/** "2 d 4 h", "3 min 5 s", "0.42 s". */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${numbers.format(Math.round(seconds * 100) / 100)} s`;
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${numbers.format(value)} ${unit}`)
    .join(" ");
}

/** Unix seconds or an ISO text as a date. */
export function toDate(time: number | string): Date {
  return new Date(typeof time === "number" ? time * 1000 : time);
}
