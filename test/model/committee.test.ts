/**
 * Leader changes within small bounds, exhaustively; and with one thought missing, how it goes wrong.
 *
 * The size of each search is printed: it says what "no violation" is worth.
 */

import { describe, expect, test } from "vitest";
import { majority } from "../../src/core/consensus/epoch-record.ts";
import { isLong } from "../support/size.ts";
import { type CommitteeBounds, committee } from "./committee.ts";
import type { CommitteeRules, CommitteeState } from "./committee-state.ts";
import { describeViolation, explore } from "./explorer.ts";

const REAL: CommitteeRules = {
  quorum: majority,
  reported: (tip) => tip,
  keepsPromises: true,
  continuesAccepted: true,
  certifiesFirst: true,
};

/** Validators, epochs after the first, rivals for each, chunks of each leader. */
type Tuple = readonly [validators: number, epochs: number, rivals: number, chunks: number];

function boundsOf(
  [validators, epochs, rivals, chunks]: Tuple,
  change: Partial<CommitteeBounds> = {},
): CommitteeBounds {
  return { validators, epochs, rivals, chunks, joinsApart: false, posts: 0, ...change };
}

const show = ({ attempts, posted }: CommitteeState): string =>
  `${attempts.length} attempts, ${posted.length} posted`;

describe("[C6] leader changes lose nothing that is certified", () => {
  const cases: readonly { tuple: Tuple; change: Partial<CommitteeBounds>; least: number }[] = [
    { tuple: [3, 1, 2, 1], change: { posts: 1 }, least: 14_000 },
    { tuple: [4, 1, 2, 1], change: {}, least: 12_000 },
    { tuple: [3, 2, 1, 0], change: { joinsApart: true }, least: 300 },
    ...(isLong
      ? [
          { tuple: [3, 1, 2, 1], change: { joinsApart: true, posts: 1 }, least: 27_000 } as const,
          { tuple: [3, 1, 1, 2], change: {}, least: 100_000 } as const,
          { tuple: [3, 2, 1, 1], change: {}, least: 1_400_000 } as const,
        ]
      : []),
  ];
  test.each(cases)("no violation: $tuple", ({ tuple, change, least }) => {
    const found = explore(committee(boundsOf(tuple, change), REAL));
    const { generated, distinct, depth, isComplete, violation } = found;
    process.stdout.write(`${tuple.join()}: ${JSON.stringify({ generated, distinct, depth })}\n`);
    expect(describeViolation(violation, show)).toBe("no violation");
    expect(isComplete).toBe(true);
    expect(distinct).toBeGreaterThan(least);
  });
});

describe("[C6, C7] a missing thought is found", () => {
  const TWO_LINES = "two certified chunks on two lines";
  const TWO_RECORDS = "two certified records after one";
  test.each<{
    what: string;
    tuple: Tuple;
    change: Partial<CommitteeRules>;
    posts: 0 | 1;
    breaks: string;
    last: RegExp;
  }>([
    {
      what: "half of an even committee taken for a majority",
      tuple: [4, 1, 2, 1],
      change: { quorum: (validators) => validators / 2 },
      posts: 0,
      breaks: TWO_RECORDS,
      last: /signs 1 in 1$/,
    },
    {
      what: "a promise that a crash forgets",
      tuple: [3, 1, 1, 1],
      change: { keepsPromises: false },
      posts: 0,
      breaks: TWO_LINES,
      last: /acks 0 in \d$/,
    },
    {
      what: "a report without what was acked",
      tuple: [3, 1, 1, 1],
      change: { reported: () => null },
      posts: 0,
      breaks: TWO_LINES,
      last: /acks 0 in 1$/,
    },
    {
      what: "a record that somebody signed and the next leader passes over",
      tuple: [3, 2, 1, 0],
      change: { continuesAccepted: false },
      posts: 0,
      breaks: TWO_RECORDS,
      last: /signs 0 in 2$/,
    },
    {
      what: "a batch that is posted before its chunk is certified",
      tuple: [3, 1, 2, 1],
      change: { certifiesFirst: false },
      posts: 1,
      breaks: "posted and not on the line",
      last: /acks 0 in 1$/,
    },
  ])("$what", ({ tuple, change, posts, breaks, last }) => {
    const found = explore(committee(boundsOf(tuple, { posts }), { ...REAL, ...change }));
    expect(found.violation?.invariant).toBe(breaks);
    expect(found.violation?.trace.at(-1)?.action).toMatch(last);
  });

  test("the shortest way by which a forgotten promise loses a certified chunk", () => {
    const rules = { ...REAL, keepsPromises: false };
    const { violation } = explore(committee(boundsOf([3, 1, 1, 1]), rules));
    expect(violation?.trace.slice(1).map(({ action }) => action)).toMatchInlineSnapshot(`
      [
        "v0 reports to 0 for 1",
        "v1 reports to 0 for 1",
        "0 in 0 proposes",
        "v2 acks 0 in 0",
        "0 in 1 records",
        "v0 signs 0 in 1",
        "v1 signs 0 in 1",
        "0 in 1 proposes",
        "v0 acks 0 in 1",
        "v2 acks 0 in 1",
        "v1 crashes",
        "v1 acks 0 in 0",
      ]
    `);
  });
});
