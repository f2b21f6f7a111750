/** Icons, drawn with a stroke of the current color on a grid of 20. */

const PATHS = {
  play: "M6 4.5v11l9-5.5z",
  threads: "M4 5h12v8H9l-3.5 3v-3H4z",
  runs: "M3 6h5M3 10h9M3 14h14",
  assistants: "M10 3v2.5M5 5.5h10v9H5zM8 9v1.5M12 9v1.5M2.5 9v2M17.5 9v2",
  files: "M5.5 3H11l3.5 3.5V17h-9zM11 3v3.5h3.5",
  stores: "M4 5.5C4 4 16 4 16 5.5v9c0 1.5-12 1.5-12 0zM4 5.5C4 7 16 7 16 5.5M4 10c0 1.5 12 1.5 12 0",
  terminal: "M3 4.5h14v11H3zM6 8l2.5 2L6 12M10.5 12.5H14",
  keys: "M8.5 8.5a3 3 0 1 0-2.1 5.1 3 3 0 0 0 2.1-5.1zl7-5M13 5.3l1.7 2.2",
  users:
    "M8 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c.5-6 10.5-6 11 0M13 4a2.8 2.8 0 0 1 0 5M15 12c1.6.7 2.4 2.2 2.5 4.5",
  usage: "M4 16.5V11M8 16.5V6M12 16.5V9M16 16.5V3.5",
  webhooks:
    "M7.5 6.5 5 12M10 6l4 6M6.5 14H14M4 14a1.8 1.8 0 1 0 0-.1M16 14a1.8 1.8 0 1 0 0-.1M8.8 5a1.8 1.8 0 1 0 0-.1",
  status: "M2.5 10H6l2-5.5 4 11 2-5.5h3.5",
  settings: "M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4",
  start: "M3.5 9.5 10 4l6.5 5.5M5.5 8.5V16h9V8.5",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  close: "M5 5l10 10M15 5 5 15",
  search: "M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4",
  copy: "M7 7h9v9H7zM4 13V4h9",
  check: "M4 10.5 8.5 15 16 5.5",
  warning: "M10 3.5 17.5 16.5h-15zM10 8.5v3.5M10 14.2v.1",
  out: "M8 4H4v12h4M8.5 10H17M14 7l3 3-3 3",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.5 1.5M14.2 14.2l1.5 1.5M15.7 4.3l-1.5 1.5M5.8 14.2l-1.5 1.5",
  moon: "M16 12A6.5 6.5 0 0 1 8 4a6.5 6.5 0 1 0 8 8z",
  half: "M10 17a7 7 0 1 0 0-14v14zM10 17a7 7 0 0 1 0-14",
  arrow: "M4 10h12M11 5l5 5-5 5",
  plus: "M10 4v12M4 10h12",
  send: "M10 16V4M5 9l5-5 5 5",
  stop: "M6 6h8v8H6z",
  attach: "M13.5 6.5 8 12a1.6 1.6 0 0 0 2.3 2.3l5.9-6a3.4 3.4 0 0 0-4.8-4.8L5.3 9.6a5.1 5.1 0 0 0 7.2 7.2l4-4",
  down: "M10 4v12M5 11l5 5 5-5",
  code: "M7 6 3 10l4 4M13 6l4 4-4 4",
  minus: "M4 10h12",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside text that says the same; it is hidden from screen readers. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      style={{ flex: "none" }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
