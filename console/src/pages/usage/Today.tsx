import type { components } from "@/api/schema";
import { Section } from "@/components/Page";
import { TimeAgo } from "@/components/TimeAgo";
import { formatBytes, formatMoney, formatNumber } from "@/format";
import styles from "./usage.module.css";
import { words } from "./words.en";

type Report = components["schemas"]["UsageReport"];

/** Today's tokens and cost against the limits, and what is stored now. */
export function Today({ report }: { report: Report }) {
  const { today, limits, storage = {} } = report;
  return (
    <>
      <Section title={words.today}>
        <dl className={styles.meters}>
          <Meter label={words.tokens} used={today.tokens} limit={limits.tokens_per_day} format={formatNumber} />
          <Meter
            label={words.cost}
            used={today.cost ?? 0}
            limit={limits.money_per_day}
            format={formatMoney}
            shown={describeCost(today.cost, today.unpriced, today.tokens)}
          />
        </dl>
        <p className={styles.quiet}>
          {words.resets} <TimeAgo time={today.resets_at} />.
        </p>
      </Section>
      <details>
        <summary>{words.storage}</summary>
        <dl className={styles.meters}>
          {Object.entries(storage).map(([name, { used, limit }]) => (
            <Meter
              key={name}
              label={words.storageNames[name] ?? name.replaceAll("_", " ")}
              used={used}
              limit={limit}
              format={name.endsWith("bytes") ? formatBytes : formatNumber}
            />
          ))}
        </dl>
      </details>
    </>
  );
}

/** A cost in words: unknown if no turn has a price, a lower bound if some have none. */
export function describeCost(cost: number | null, isUnpriced: boolean, tokens: number): string {
  if (cost === null) return tokens > 0 ? words.unknownCost : formatMoney(0);
  return isUnpriced ? words.atLeast(formatMoney(cost)) : formatMoney(cost);
}

interface MeterProps {
  label: string;
  used: number;
  limit: number | null | undefined;
  format: (value: number) => string;
  /** The used amount in words, if a number does not say it all. */
  shown?: string;
}

function Meter({ label, used, limit, format, shown = format(used) }: MeterProps) {
  return (
    <div className={styles.meter}>
      <dt>{label}</dt>
      <dd>
        {limit == null ? words.noLimit(shown) : words.of(shown, format(limit))}
        {limit != null && <meter aria-label={label} value={used} max={limit} high={limit * 0.8} optimum={0} />}
      </dd>
    </div>
  );
}
