/** What the dashboard paints, from data alone: no browser, no server. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRecord } from "../../src/core/feed/record.ts";
import {
  addRecord,
  FEED_ROWS_MAX,
  type FeedRow,
  firstModel,
} from "../../src/worker/dashboard/model.ts";
import { formatPage } from "../../src/worker/dashboard/page.ts";
import {
  addSample,
  latencies,
  quantileMs,
  type Sample,
  sampleOf,
  throughput,
  WINDOW_MS,
} from "../../src/worker/dashboard/samples.ts";
import { formatHtml, h } from "../../src/worker/dashboard/tree.ts";
import { bytes, count, duration, ether, latency } from "../../src/worker/dashboard/words.ts";
import { overviewBody } from "../support/overview-body.ts";
import { leaves } from "../support/visit.ts";

const ASSETS = { style: "/s.css", script: "/s.js", verifier: "/v.js", icon: "/i.svg" };

describe("HTML", () => {
  test("holds any text as text, in elements and in attributes", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const html = formatHtml(h("p", { title: text }, text));
        expect(html.match(/[<>]/g)).toHaveLength(4);
        expect(html.match(/"/g)).toHaveLength(2);
      }),
    );
  });

  test("leaves out what is absent, joins neighbouring texts, and closes no void element", () => {
    const tree = h("p", { id: null, hidden: true, lang: undefined }, "a", 1, null, false, "b");
    expect(tree.children).toEqual(["a1b"]);
    expect(formatHtml(tree)).toBe('<p hidden="">a1b</p>');
    expect(formatHtml(h("input", { value: 3 }))).toBe('<input value="3">');
  });

  test("of a deployment with hostile names runs nothing", () => {
    const { deployment } = overviewBody();
    const application = "</title><script>alert(1)</script>";
    const body = overviewBody({ deployment: deployment && { ...deployment, application } });
    const html = formatPage(firstModel(body, null), null, ASSETS);
    expect(html.match(/<script/g)).toHaveLength(1);
  });

  test("shows every number of the body, in a place that names it", () => {
    const body = overviewBody();
    const html = formatPage(firstModel(body, null), "dark", ASSETS);
    const numbers = leaves(body).flatMap(([path, value]) =>
      typeof value === "number" && !/counts|sum_ms|feed_head|closed_at_ms/.test(path)
        ? [`data-field="${path}" data-value="${value}"`]
        : [],
    );
    expect(numbers.filter((one) => !html.includes(one))).toEqual([]);
    expect(html).toContain('<html lang="en" data-theme="dark">');
  });

  test("without an answer says why, and holds no number", () => {
    const html = formatPage(firstModel(null, "sequencer starting"), null, ASSETS);
    expect(html).toContain("It did not answer: sequencer starting.");
    expect(html).not.toContain("data-field");
  });
});

describe("samples", () => {
  const at = (atMs: number, ops: number, sinceMs = 0): Sample => ({
    ...{ atMs, ops, sinceMs },
    commit: Array.from({ length: 13 }, (_, i) => (i === 2 ? ops : 0)),
    certificate: [],
  });

  test("give rates from differences, and a gap between two lives of the object", () => {
    const samples = [at(1_000, 10), at(3_000, 30), at(4_000, 5, 3_500), at(5_000, 12, 3_500)];
    expect(throughput(samples).map(({ value }) => value)).toEqual([10, null, 7]);
    expect(latencies(samples, "commit", 0.5).map(({ value }) => value)).toEqual([3.5, null, 3.5]);
  });

  test("keep the window and the one before it, and begin anew when the clock goes back", () => {
    let samples: readonly Sample[] = [];
    for (let i = 0; i <= 300; i++) samples = addSample(samples, at(i * 1_000, i));
    expect(samples[0]?.atMs).toBe(300_000 - WINDOW_MS - 1_000);
    expect(addSample(samples, at(300_000, 999))).toBe(samples);
    expect(addSample(samples, at(299_999, 1))).toHaveLength(1);
  });

  test("take what they need of a body", () => {
    const body = overviewBody();
    expect(sampleOf(body)).toMatchObject({ atMs: body.now_ms, ops: body.counters.ops_included });
  });

  test.each([
    [[0, 0, 0], 0.5, null],
    [[4], 0.5, 0.5],
    [[0, 0, 10], 0.5, 3.5],
    [[5, 5], 0.5, 1],
    [[...Array.from({ length: 12 }, () => 0), 1], 0.5, Number.POSITIVE_INFINITY],
  ])("quantile of %j at %d is %d", (counts, quantile, expected) => {
    expect(quantileMs(counts, quantile)).toBe(expected);
  });
});

describe("[F3] the rows of the feed", () => {
  const op = (offset: number) =>
    `{"kind":"user_op","offset":${offset},"sender":"0x${"11".repeat(20)}","nonce":0,"fee":1,"data":"0x","safe_block":1,"batch_nonce":1}`;
  const rollback = (offset: number, keep: number) =>
    `{"kind":"rollback","offset":${offset},"keep_through":${keep},"generation":1}`;
  const rowsOf = (texts: readonly string[]) =>
    texts.reduce<readonly FeedRow[]>((rows, text) => {
      const record = parseRecord(text);
      if (!record.ok) throw new Error(record.error);
      return addRecord(rows, record.value);
    }, []);

  test("are void between what a rollback keeps and itself, and nowhere else", () => {
    const rows = rowsOf([op(1), op(2), op(3), rollback(4, 1), op(5)]);
    expect(rows.map(({ record, isVoid }) => [record.offset, isVoid])).toEqual([
      [5, false],
      [4, false],
      [3, true],
      [2, true],
      [1, false],
    ]);
  });

  test("are the newest, and no more than fit", () => {
    const rows = rowsOf(Array.from({ length: FEED_ROWS_MAX + 5 }, (_, i) => op(i + 1)));
    expect(rows).toHaveLength(FEED_ROWS_MAX);
    expect(rows[0]?.record.offset).toBe(FEED_ROWS_MAX + 5);
  });
});

test.each([
  [count(null), "–"],
  [count(999), "999"],
  [count(1_000), "1\u202f000"],
  [count(12_345_678), "12\u202f345\u202f678"],
  [duration(0), "0 s"],
  [duration(59.9), "59\u00a0s"],
  [duration(60), "1\u00a0min"],
  [duration(10_452), "2\u00a0h 54\u00a0min"],
  [duration(90_061), "1\u00a0d 1\u00a0h"],
  [bytes(999), "999\u00a0B"],
  [bytes(1_000), "1.00\u00a0kB"],
  [bytes(18_432_000), "18.4\u00a0MB"],
  [ether("1"), "0\u00a0ETH"],
  [ether("1999999999999999999"), "1.999999\u00a0ETH"],
  [ether("1000000000000000000000"), "1\u202f000\u00a0ETH"],
  [latency(0.85), "0.85\u00a0ms"],
  [latency(4.23), "4.2\u00a0ms"],
  [latency(1_250), "1.3\u00a0s"],
  [latency(Number.POSITIVE_INFINITY), ">\u00a05\u00a0s"],
])("%s is written %s", (written, expected) => {
  expect(written).toBe(expected);
});
