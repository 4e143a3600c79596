/**
 * Metrics as text: Prometheus' own format, or OpenMetrics 1.0 where it is asked for.
 *
 * The two differ in little: OpenMetrics names a counter's family without `_total`, knows units and
 * infos, writes whole bounds with a point, and ends with `# EOF`. Samples of a family stand together, in
 * the order of the list of families; no series comes twice.
 */

import { assert } from "../types/assert.ts";
import { FAMILIES, type Family } from "./families.ts";

export type ExpositionFormat = "prometheus" | "openmetrics";

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

export type Labels = Readonly<Record<string, string>>;

/** Observations per bucket, not cumulative, one more than bounds; bounds and sum in the family's unit. */
export type HistogramValue = {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
};

/** One series; a histogram's are several. */
export type Point = {
  /** A family's. */
  readonly name: string;
  readonly labels: Labels;
  readonly value: number | HistogramValue;
};

/** Asserts that each point is of a family of the list, and that no series is given twice. */
export function formatExposition(points: readonly Point[], format: ExpositionFormat): string {
  const known = new Set(FAMILIES.map(({ name }) => name));
  assert(
    points.every(({ name }) => known.has(name)),
    "a point is of a known family",
  );
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const family of FAMILIES) {
    const own = points.filter((point) => point.name === family.name);
    if (own.length === 0) continue;
    lines.push(...header(family, format));
    for (const line of own.flatMap((point) => samples(family, point, format))) {
      const series = line.slice(0, line.lastIndexOf(" "));
      assert(!seen.has(series), "a series is given once");
      seen.add(series);
      lines.push(line);
    }
  }
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function header({ name, type, unit, help }: Family, format: ExpositionFormat): readonly string[] {
  if (format === "prometheus") {
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type === "info" ? "gauge" : type}`];
  }
  const family = familyName(name, type);
  return [
    `# HELP ${family} ${help}`,
    `# TYPE ${family} ${type}`,
    ...(unit === null ? [] : [`# UNIT ${family} ${unit}`]),
  ];
}

/** What OpenMetrics calls it: without the suffix that its samples carry. */
function familyName(name: string, type: Family["type"]): string {
  const suffix = type === "counter" ? "_total" : type === "info" ? "_info" : "";
  return suffix === "" ? name : name.slice(0, -suffix.length);
}

function samples(
  { name }: Family,
  { labels, value }: Point,
  format: ExpositionFormat,
): readonly string[] {
  if (typeof value === "number") return [`${name}${labelText(labels)} ${value}`];
  let below = 0;
  const buckets = value.counts.map((count, i) => {
    below += count;
    const le = boundText(value.bounds[i], format);
    return `${name}_bucket${labelText({ ...labels, le })} ${below}`;
  });
  const text = labelText(labels);
  return [...buckets, `${name}_sum${text} ${value.sum}`, `${name}_count${text} ${below}`];
}

function boundText(bound: number | undefined, format: ExpositionFormat): string {
  if (bound === undefined) return "+Inf";
  return format === "openmetrics" && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join()}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
