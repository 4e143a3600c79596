/**
 * Rates and latencies from what the counters were at two moments.
 *
 * Counters count from the beginning of the object's life, `since_ms`. Two samples of different lives have
 * no difference: between them there is a gap, never a negative rate.
 */

import {
  type HistogramBody,
  LATENCY_BOUNDS_MS,
  type OverviewBody,
} from "../../core/api/overview.ts";

export type Sample = {
  readonly atMs: number;
  readonly sinceMs: number;
  readonly ops: number;
  readonly commit: readonly number[];
  readonly certificate: readonly number[];
};

/** How far back the plots go. */
export const WINDOW_MS = 120_000;
/** A latency is that of the observations of this long. */
const LATENCY_WINDOW_MS = 10_000;

export function sampleOf({ now_ms, since_ms, counters }: OverviewBody): Sample {
  return {
    atMs: now_ms,
    sinceMs: since_ms,
    ops: counters.ops_included,
    commit: counters.commit.counts,
    certificate: counters.certificate.counts,
  };
}

/** With `next` as the newest; what is older than the window goes, and so does all when a clock went back. */
export function addSample(samples: readonly Sample[], next: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last !== undefined && next.atMs < last.atMs) return [next];
  if (last?.atMs === next.atMs) return samples;
  // One beyond the window stays, from which the first difference is taken.
  const first = samples.findIndex(({ atMs }) => atMs >= next.atMs - WINDOW_MS);
  return [...(first < 0 ? [] : samples.slice(Math.max(0, first - 1))), next];
}

/** A value at a moment; null: none is known, and the line has a gap. */
export type Point = { readonly atMs: number; readonly value: number | null };

/** Ops included per second between each two samples. */
export function throughput(samples: readonly Sample[]): readonly Point[] {
  return samples.slice(1).map((sample, i) => {
    const before = samples[i];
    const isLife = before !== undefined && before.sinceMs === sample.sinceMs;
    const elapsedS = isLife ? (sample.atMs - before.atMs) / 1000 : 0;
    const value = isLife && elapsedS > 0 ? (sample.ops - before.ops) / elapsedS : null;
    return { atMs: sample.atMs, value };
  });
}

/** A quantile of the latencies of the ten seconds before each sample. */
export function latencies(
  samples: readonly Sample[],
  which: "commit" | "certificate",
  quantile: number,
): readonly Point[] {
  return samples.slice(1).map((sample) => {
    const before = samples.find(
      ({ atMs, sinceMs }) =>
        sinceMs === sample.sinceMs &&
        atMs < sample.atMs &&
        atMs >= sample.atMs - LATENCY_WINDOW_MS - 1000,
    );
    const counts = before === undefined ? [] : difference(sample[which], before[which]);
    return { atMs: sample.atMs, value: quantileMs(counts, quantile) };
  });
}

function difference(after: readonly number[], before: readonly number[]): readonly number[] {
  return after.map((count, i) => count - (before[i] ?? 0));
}

/**
 * The latency that `quantile` of the observations do not exceed, between the bounds of its bucket in
 * proportion. Null without observations; infinite beyond the last bound.
 */
export function quantileMs(counts: HistogramBody["counts"], quantile: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = quantile * total;
  let below = 0;
  for (const [i, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const to = LATENCY_BOUNDS_MS[i];
      if (to === undefined) return Number.POSITIVE_INFINITY;
      const from = LATENCY_BOUNDS_MS[i - 1] ?? 0;
      return from + ((wanted - below) / count) * (to - from);
    }
    below += count;
  }
  return Number.POSITIVE_INFINITY;
}
