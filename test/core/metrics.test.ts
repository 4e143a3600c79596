/** The text of a scrape, read by a parser that others wrote and by the rules of OpenMetrics. */

import parse from "parse-prometheus-text-format";
import { describe, expect, test } from "vitest";
import { LATENCY_BOUNDS_MS } from "../../src/core/api/overview.ts";
import { formatExposition } from "../../src/core/metrics/exposition.ts";
import { FAMILIES } from "../../src/core/metrics/families.ts";
import { sequencerPoints } from "../../src/core/metrics/points.ts";
import { readOpenMetrics } from "../support/openmetrics.ts";
import { overviewBody } from "../support/overview-body.ts";
import { fullScrape } from "../support/scrape.ts";

const names = FAMILIES.map(({ name }) => name);

describe("the list of metrics", () => {
  test("names are of Baton, once each, and end in their unit and type", () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, unit, help } of FAMILIES) {
      expect(name).toMatch(/^baton_[a-z0-9_]+$/);
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(name.endsWith("_info")).toBe(type === "info");
      expect(name).not.toMatch(/_(?:count|sum|bucket|ms|milliseconds|wei)$/);
      if (unit !== null) expect(name).toMatch(new RegExp(`_${unit}$`));
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
      expect(help).not.toContain("\n");
    }
  });

  test("each is in a scrape of a deployment that has everything", () => {
    const shown = new Set(fullScrape().map(({ name }) => name));
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe("Prometheus' own format", () => {
  const text = formatExposition(fullScrape(), "prometheus");

  test("is parsed into the families of the list, with their meanings", () => {
    const parsed = parse(text);
    expect(parsed.map(({ name }) => name)).toEqual(names);
    for (const { name, type, help } of FAMILIES) {
      const told = type === "info" ? "GAUGE" : type.toUpperCase();
      expect(parsed.find((one) => one.name === name)).toMatchObject({ type: told, help });
    }
  });

  test("carries the numbers of the overview", () => {
    const overview = overviewBody();
    const of = (name: string) => parse(text).find((family) => family.name === name)?.metrics ?? [];
    const one = (name: string) => of(name)[0]?.value;
    expect(one("baton_l1_safe_block")).toBe(String(overview.health.safe_block));
    expect(one("baton_ops_included_total")).toBe(String(overview.counters.ops_included));
    expect(Number(one("baton_submitter_balance_ether"))).toBeCloseTo(9_984.3210987, 6);
    expect(of("baton_up")).toEqual([
      { value: "1", labels: { candidate: "a" } },
      { value: "0", labels: { candidate: "b" } },
    ]);
    expect(of("baton_ops_rejected_total")).toContainEqual({
      value: "41",
      labels: { candidate: "a", code: "EXECUTION_REJECTED" },
    });
    const modes = of("baton_mode").filter(({ value }) => value === "1");
    expect(modes.map(({ labels }) => labels?.["mode"])).toEqual(["recovering"]);
    expect(of("baton_feed_offset").map(({ labels }) => labels?.["stage"])).toEqual([
      ...["ordered", "certified", "closed", "posted", "settled"],
    ]);
  });

  test("buckets are cumulative, in seconds, and end with +Inf", () => {
    const { counts, sum_ms } = overviewBody().counters.commit;
    const [series] =
      parse(text).find(({ name }) => name === "baton_commit_latency_seconds")?.metrics ?? [];
    let below = 0;
    const bounds = [...LATENCY_BOUNDS_MS.map((ms) => String(ms / 1000)), "+Inf"];
    for (const [i, le] of bounds.entries()) {
      below += counts[i] ?? 0;
      expect(series?.buckets?.[le]).toBe(String(below));
    }
    // That parser loses the sum and the count of a histogram with labels.
    const { series: all } = readOpenMetrics(formatExposition(fullScrape(), "openmetrics"));
    const of = (suffix: string) => all.get(`baton_commit_latency_seconds${suffix}{candidate="a"}`);
    expect([of("_sum"), of("_count")]).toEqual([sum_ms / 1000, below]);
  });
});

describe("OpenMetrics", () => {
  const read = readOpenMetrics(formatExposition(fullScrape(), "openmetrics"));

  test("breaks no rule", () => {
    expect(read.breaches).toEqual([]);
    expect(read.series.size).toBeGreaterThan(120);
  });

  test("knows infos, and counters without their suffix", () => {
    expect(read.types.get("baton_deployment")).toBe("info");
    expect(read.types.get("baton_ops_included")).toBe("counter");
  });

  test.each([
    ["a series is given once", 'baton_up{candidate="a"} 1\nbaton_up{candidate="a"} 1'],
    ["labels are well formed", 'baton_up{candidate="a" x} 1'],
    ["a sample of", "baton_other 1"],
    ["a number", "baton_up x"],
  ])("the reader itself refuses a breach: %s", (rule, lines) => {
    const text = `# HELP baton_up U.\n# TYPE baton_up gauge\n${lines}\n# EOF\n`;
    expect(readOpenMetrics(text).breaches.join()).toContain(rule);
  });

  test("the reader itself refuses buckets that fall, and a missing end", () => {
    const family = "# HELP a_seconds A.\n# TYPE a_seconds histogram\n";
    const falling = 'a_seconds_bucket{le="1.0"} 2\na_seconds_bucket{le="+Inf"} 1\n';
    expect(readOpenMetrics(`${family}${falling}# EOF\n`).breaches.join()).toContain("cumulative");
    expect(readOpenMetrics(`${family}`).breaches.join()).toContain("# EOF");
  });
});

describe("labels and gaps", () => {
  test("what a label may not hold is escaped", () => {
    const odd = 'a"b\\c\nd';
    const points = sequencerPoints({ candidate: odd }, null);
    expect(formatExposition(points, "prometheus")).toContain('{candidate="a\\"b\\\\c\\nd"} 0');
    expect(readOpenMetrics(formatExposition(points, "openmetrics")).breaches).toEqual([]);
  });

  test("what is not known has no series", () => {
    const { health } = overviewBody();
    const unknown = { ...health, safe_block: null, safe_block_age_s: null, committee: null };
    const overview = overviewBody({
      ...{ health: unknown, pipeline: null, fee: null, deployment: null, members: [] },
      submitter: { address: "0x", balance_wei: null, balance_age_s: null },
    });
    const shown = sequencerPoints({}, { overview, consensus: null }).map(({ name }) => name);
    for (const name of ["safe_block", "safe_block_age_seconds"]) {
      expect(shown).not.toContain(`baton_l1_${name}`);
    }
    expect(
      shown.filter((name) => /committee|consensus|member|balance|fee_|offset/.test(name)),
    ).toEqual([]);
    expect(shown).toContain("baton_ready");
  });

  test("without a heartbeat its age is that of the life", () => {
    const overview = overviewBody({ heartbeat_age_s: null, now_ms: 90_500, since_ms: 500 });
    const points = sequencerPoints({}, { overview, consensus: null });
    expect(points.find(({ name }) => name === "baton_heartbeat_age_seconds")?.value).toBe(90);
  });

  test("a point of no family, or one that comes twice, is a bug", () => {
    const point = { name: "baton_up", labels: {}, value: 1 };
    expect(() => formatExposition([point, point], "prometheus")).toThrow("given once");
    expect(() => formatExposition([{ ...point, name: "x" }], "prometheus")).toThrow("known family");
  });
});
