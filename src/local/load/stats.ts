/** Percentiles of latencies, and a table of what was measured. */

export type Percentiles = { readonly p50: number; readonly p95: number; readonly p99: number };

/** Of latencies in ms. NaN without values. */
export function percentiles(values: readonly number[]): Percentiles {
  const quantile = quantilesOf(values);
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) };
}

/** By nearest rank, of `q` from 0 to 1; NaN without values. */
export function quantilesOf(values: readonly number[]): (q: number) => number {
  const sorted = Float64Array.from(values).sort();
  return (q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

/** Aligned columns, numbers to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return rows
    .map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("  "))
    .join("\n");
}
