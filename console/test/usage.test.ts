import { expect, test } from "vitest";
import { fillDays, findStart, type UsageEntry } from "@/pages/usage/days";

test("days without usage are zero, and the last day is included", () => {
  const entry = { day: "2026-03-29", total_tokens: 7, cost: 0.5 } as UsageEntry;
  const { days, tokens, cost } = fillDays("2026-03-28", "2026-03-30", [entry]);
  expect(days.map((day) => new Date(day * 1000).toISOString().slice(0, 10))).toEqual([
    "2026-03-28",
    "2026-03-29",
    "2026-03-30",
  ]);
  expect(tokens).toEqual([0, 7, 0]);
  expect(cost).toEqual([0, 0.5, 0]);
});

test("a period of seven days ends today in UTC", () => {
  expect(findStart(7, Date.UTC(2026, 2, 3, 23, 59))).toBe("2026-02-25");
});
