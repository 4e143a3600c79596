/**
 * Throughput and latency, drawn from differences of the counters.
 *
 * Lines are stretched to the width that there is; their labels are text beside them, so that they keep
 * their size. Before a second answer there is no difference, and the distribution since the object began
 * is all that can be drawn.
 */

import { LATENCY_BOUNDS_MS } from "../../../core/api/overview.ts";
import type { Model } from "../model.ts";
import { latencies, type Point, quantileMs, throughput, WINDOW_MS } from "../samples.ts";
import { type Child, h, type Tree } from "../tree.ts";
import { count, latency, rate } from "../words.ts";
import { note } from "./parts.ts";

const WIDTH = 240;
const HEIGHT = 100;
/** Decades of the latency plot, in milliseconds. */
const DECADES_MS = [1, 10, 100, 1_000, 10_000] as const;

type Line = { readonly kind: string; readonly points: readonly Point[] };

export function throughputPlot({ overview, samples }: Model): readonly Child[] {
  if (overview === null) return [];
  const points = throughput(samples);
  const top = niceTop(Math.max(0, ...points.map(({ value }) => value ?? 0)));
  const scale = (value: number) => value / top;
  return [
    plot({
      label: `Operations per second over two minutes, now ${rate(points.at(-1)?.value ?? null)}`,
      levels: [top, top / 2, 0].map((value) => rate(value)),
      lines: [{ kind: "ops", points }],
      scale,
      isFilled: true,
    }),
  ];
}

export function latencyPlot({ overview, samples }: Model): readonly Child[] {
  if (overview === null) return [];
  const lines: readonly Line[] = [
    { kind: "p99", points: latencies(samples, "commit", 0.99) },
    { kind: "p50", points: latencies(samples, "commit", 0.5) },
    ...(overview.pipeline?.certified == null
      ? []
      : [{ kind: "certificate", points: latencies(samples, "certificate", 0.5) }]),
  ];
  const scale = (ms: number) => Math.log10(Math.min(Math.max(ms, 1), 10_000)) / 4;
  return [
    plot({
      label: "Latency of commits over two minutes, on a logarithmic scale",
      levels: DECADES_MS.toReversed().map((ms) => latency(ms)),
      lines,
      scale,
      isFilled: false,
    }),
    h(
      "ul",
      { class: "legend" },
      lines.map(({ kind }) => h("li", { class: `line-${kind}` }, LEGEND[kind] ?? kind)),
    ),
  ];
}

const LEGEND: Readonly<Record<string, string>> = {
  p50: "commit, median",
  p99: "commit, 99th percentile",
  certificate: "certificate, median",
};

/** How latencies are distributed since the object began. */
export function distribution({ overview }: Model): readonly Child[] {
  if (overview === null) return [];
  const { commit, certificate } = overview.counters;
  const rows = [histogram("commit", "From arrival to commit", commit.counts)];
  if (overview.pipeline?.certified != null) {
    rows.push(histogram("certificate", "From commit to certificate", certificate.counts));
  }
  return rows;
}

function histogram(kind: string, title: string, counts: readonly number[]): Tree {
  const total = counts.reduce((sum, n) => sum + n, 0);
  const most = Math.max(1, ...counts);
  const [p50, p99] = [quantileMs(counts, 0.5), quantileMs(counts, 0.99)];
  const width = WIDTH / (LATENCY_BOUNDS_MS.length + 1);
  return h(
    "figure",
    { class: "histogram" },
    h("figcaption", {}, title),
    total === 0
      ? note("Nothing was measured yet.")
      : [
          h(
            "svg",
            {
              class: `bars bars-${kind}`,
              viewBox: `0 0 ${WIDTH} 40`,
              preserveAspectRatio: "none",
              role: "img",
              "aria-label": `${title}: median ${latency(p50)}, 99th percentile ${latency(p99)}, of ${total}`,
            },
            counts.map((n, i) => {
              const height = n === 0 ? 0.5 : Math.max(1.5, (n / most) * 40);
              return h("rect", { x: i * width + 0.5, y: 40 - height, width: width - 1, height });
            }),
          ),
          h(
            "p",
            { class: "ends" },
            ["1 ms", "100 ms", "> 5 s"].map((text) => h("span", {}, text)),
          ),
          h(
            "p",
            { class: "quantiles" },
            h("span", {}, "median ", h("b", {}, latency(p50))),
            h("span", {}, "99 % ", h("b", {}, latency(p99))),
            h("span", {}, "of ", h("b", {}, count(total))),
          ),
        ],
  );
}

type Plot = {
  readonly label: string;
  /** From the top down, evenly spaced. */
  readonly levels: readonly string[];
  readonly lines: readonly Line[];
  /** Onto 0 to 1. */
  readonly scale: (value: number) => number;
  readonly isFilled: boolean;
};

function plot({ label, levels, lines, scale, isFilled }: Plot): Tree {
  const endMs = lines[0]?.points.at(-1)?.atMs ?? 0;
  const place = ({ atMs, value }: Point): readonly [number, number] | null =>
    value === null
      ? null
      : [
          Math.max(0, WIDTH - ((endMs - atMs) / WINDOW_MS) * WIDTH),
          HEIGHT - scale(value) * (HEIGHT - 1),
        ];
  return h(
    "div",
    { class: "plot" },
    h(
      "div",
      { class: "levels", "aria-hidden": "true" },
      levels.map((text) => h("span", {}, text)),
    ),
    h(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": label,
      },
      levels.map((_, i) => {
        const y = (i * HEIGHT) / (levels.length - 1);
        return h("line", { class: "grid-line", x1: 0, y1: y, x2: WIDTH, y2: y });
      }),
      lines.flatMap(({ kind, points }) =>
        stretches(points.map(place)).flatMap((stretch) => [
          isFilled && h("path", { class: `area area-${kind}`, d: areaOf(stretch) }),
          h("path", { class: `line line-${kind}`, d: pathOf(stretch) }),
        ]),
      ),
    ),
    h(
      "div",
      { class: "times", "aria-hidden": "true" },
      ["2 min ago", "1 min", "now"].map((text) => h("span", {}, text)),
    ),
  );
}

type Place = readonly [x: number, y: number];

/** Between the gaps. */
function stretches(places: readonly (Place | null)[]): readonly (readonly Place[])[] {
  const found: Place[][] = [[]];
  for (const place of places) {
    if (place === null) found.push([]);
    else found.at(-1)?.push(place);
  }
  return found.filter((stretch) => stretch.length > 0);
}

function pathOf(places: readonly Place[]): string {
  const points = places.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
  return `M${points.length === 1 ? [...points, ...points].join("L") : points.join("L")}`;
}

function areaOf(places: readonly Place[]): string {
  const first = places[0]?.[0] ?? 0;
  const last = places.at(-1)?.[0] ?? 0;
  return `${pathOf(places)}L${last.toFixed(1)} ${HEIGHT}L${first.toFixed(1)} ${HEIGHT}Z`;
}

/** At least 10, and else 1, 2 or 5 times a power of ten. */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 10)));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value) ?? power * 10;
}
