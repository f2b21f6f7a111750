/** The sign of the product. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" fill="none" style={{ flex: "none" }}>
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <g stroke="var(--on-accent)" strokeWidth="2.6" strokeLinecap="round">
        <circle cx="12" cy="19" r="5.5" />
        <path d="M17.4 7v17.5M17.4 7h2.2a5.6 5.6 0 0 1 0 11.2" />
      </g>
    </svg>
  );
}
