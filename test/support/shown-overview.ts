/** Whether a page shows what `GET /overview` says: all of it, and nothing else. */

import { expect } from "vitest";
import type { OverviewBody } from "../../src/core/api/overview.ts";
import { leaves, type Shown } from "./visit.ts";

/** Not shown one by one: a histogram is drawn, and its quantiles are told. */
const DRAWN = /^counters\.(?:commit|certificate)\./;
/** Texts that are told in words, or shown in another part of the same name. */
const IN_WORDS =
  /^(?:health\.(?:status|mode|refusal|era|feed_head|recovery|committee)|deployment\.(?:application|submitter|committee)|batches\.\d+\.(?:state|closed_at_ms))/;

/** Every number of the body is on the page, and every one on the page is in the body. */
export function expectSame(shown: readonly Shown[], body: OverviewBody): void {
  const said = new Map(leaves(body).map(([path, value]) => [path, value]));
  for (const { field, value, text } of shown) {
    expect(said.has(field), `${field} is in the body`).toBe(true);
    expect(value, field).toBe(String(said.get(field)));
    expect(text, field).not.toBe("");
    // A count is written out whole; only the space between thousands is the page's own.
    if (/^[\d\u202f]+$/.test(text)) expect(text.replaceAll("\u202f", ""), field).toBe(value);
  }
  const fields = new Set(shown.map(({ field }) => field));
  const missing = [...said.keys()].filter(
    (path) => !fields.has(path) && !DRAWN.test(path) && !IN_WORDS.test(path),
  );
  // Without a committee there is nothing to certify; what is not null is shown.
  expect(missing.filter((path) => said.get(path) !== null)).toEqual([]);
}

/** What moves though nothing happens. */
const MOVING = /(?:now_ms|age_s|database_bytes|feed_readers|l1_errors)$/;

export function isStill({ field }: Shown): boolean {
  return !MOVING.test(field);
}

/** With null for what moves though nothing happens. */
export function still(body: OverviewBody): OverviewBody {
  const cut = (value: unknown, path: string): unknown => {
    if (MOVING.test(path)) return null;
    if (typeof value !== "object" || value === null) return value;
    const inner = Object.entries(value).map(([name, one]) => [name, cut(one, `${path}.${name}`)]);
    return Array.isArray(value) ? inner.map(([, one]) => one) : Object.fromEntries(inner);
  };
  return cut(body, "") as OverviewBody;
}
