import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import styles from "./usage.module.css";

interface ChartProps {
  /** What the chart shows, for screen readers. */
  label: string;
  days: number[];
  values: number[];
  format: (value: number) => string;
}

const HEIGHT = 180;
const BAR_WIDTH = 0.7;
const MAX_BAR = 40;

/** Bars by day (UTC). It is drawn again when its width or the theme changes. */
export default function Chart({ label, days, values, format }: ChartProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = ref.current;
    if (!place) return;
    const plot = new uPlot(describeChart(place, format), [days, values], place);
    const sizes = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT }));
    sizes.observe(place);
    const redraw = () => plot.redraw();
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", redraw);
    return () => {
      sizes.disconnect();
      theme.disconnect();
      scheme.removeEventListener("change", redraw);
      plot.destroy();
    };
  }, [days, values, format]);
  return <div ref={ref} role="img" aria-label={label} className={styles.chart} />;
}

function describeChart(place: HTMLElement, format: (value: number) => string): uPlot.Options {
  // A canvas cannot read custom properties: the colors are those of elements that use them.
  const ink = () => getComputedStyle(place).color;
  const line = () => getComputedStyle(place).borderBlockEndColor;
  const fill = () => getComputedStyle(place).outlineColor;
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, grid: { show: false } },
      { ...axis, size: 76, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [{}, { fill, stroke: fill, paths: drawBars(), points: { show: false } }],
  };
}

function drawBars(): uPlot.Series.PathBuilder {
  const bars = uPlot.paths.bars;
  if (bars === undefined) throw new Error("This build of uPlot has no bars.");
  return bars({ size: [BAR_WIDTH, MAX_BAR] });
}
