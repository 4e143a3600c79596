/** Alerts, dashboard and document speak of metrics that exist, and lead to what to do. */

import { spawnSync } from "node:child_process";
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { formatExposition } from "../../src/core/metrics/exposition.ts";
import { FAMILIES } from "../../src/core/metrics/families.ts";
import { fullScrape } from "../support/scrape.ts";
import { textOf } from "../support/tree.ts";

type Rule = {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

const RULES = "deploy/alerts/baton.rules.yaml";
const TESTS = "deploy/alerts/baton.rules.test.yaml";
const DASHBOARD = "deploy/grafana/baton.json";

const rules = (parse(textOf(RULES)) as { groups: { rules: readonly Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const recorded = rules.flatMap(({ record }) => record ?? []);

/** Every name under which a sample is scraped. */
const scraped = new Set(
  formatExposition(fullScrape(), "prometheus")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => /^[a-z0-9_]+/.exec(line)?.[0] ?? ""),
);

/** Names in an expression that are no scraped metric and no recorded one. */
function unknownIn(expr: string): readonly string[] {
  const named = expr.match(/\bbaton[a-z0-9_:]*/g) ?? [];
  return named.filter((name) => !scraped.has(name) && !recorded.includes(name));
}

/** Values that a label takes in the scrape. */
function unknownValues(expr: string): readonly string[] {
  const matchers = expr.matchAll(/\b(mode|refusal|reason|stage|limit)="([^"]+)"/g);
  const text = formatExposition(fullScrape(), "prometheus");
  return [...matchers].map(([all]) => all).filter((all) => !text.includes(all));
}

/** What Prometheus' grammar cannot read, from where on it cannot; Grafana puts a duration for its own variable. */
function malformed(expr: string): readonly string[] {
  const text = expr.replaceAll("$__rate_interval", "1m");
  const found: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from }) => {
      if (type.isError) found.push(text.slice(from) || `the end of ${text}`);
    },
  });
  return found;
}

/** As a page shows them in its address. */
function anchorsOf(file: string): readonly string[] {
  return [...textOf(file).matchAll(/^## (.*)$/gm)].map((match) =>
    (match[1] ?? "")
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe("alerts", () => {
  test("are many, each named once", () => {
    const names = alerts.map(({ alert }) => alert);
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBe(names.length);
  });

  test("name metrics, and values of labels, that a scrape shows", () => {
    expect(rules.flatMap(({ expr }) => unknownIn(expr))).toEqual([]);
    expect(rules.flatMap(({ expr }) => unknownValues(expr))).toEqual([]);
    expect(unknownIn("rate(baton_other_total[5m]) and baton:other")).toHaveLength(2);
  });

  test("are written in the language of Prometheus", () => {
    expect(rules.flatMap(({ expr }) => malformed(expr))).toEqual([]);
    for (const expr of ["", "sum(rate(a[5m])", "a >> 1", "max by job (a)"]) {
      expect(malformed(expr), expr).not.toEqual([]);
    }
  });

  test("say how urgent they are, and lead to a heading of the runbook", () => {
    const anchors = anchorsOf("docs/operations.md");
    for (const { alert, labels, annotations } of alerts) {
      expect(["page", "warn"], alert).toContain(labels?.["severity"]);
      expect(annotations?.["summary"], alert).toMatch(/\.$/);
      const [file, anchor] = (annotations?.["runbook"] ?? "").split("#");
      expect(file, alert).toBe("docs/operations.md");
      expect(anchors, alert).toContain(anchor);
    }
  });

  test("each fires in a scene of its own", () => {
    const scenes = textOf(TESTS);
    const silent = alerts.filter(({ alert }) => !scenes.includes(`alertname="${alert}"`));
    expect(silent).toEqual([]);
  });
});

describe("the dashboard", () => {
  const panels = (
    JSON.parse(textOf(DASHBOARD)) as {
      panels: { id: number; title: string; targets?: { expr: string }[] }[];
    }
  ).panels;

  test("shows metrics that a scrape shows", () => {
    const exprs = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(exprs.length).toBeGreaterThan(40);
    expect(exprs.flatMap(malformed)).toEqual([]);
    expect(exprs.flatMap(unknownIn)).toEqual([]);
    expect(exprs.flatMap(unknownValues)).toEqual([]);
  });

  test("every panel has an identity and a title", () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(panels.filter(({ title }) => title === "")).toEqual([]);
  });

  test("every metric is on the dashboard or in an alert, unless it is a mere description", () => {
    const seen = `${textOf(DASHBOARD)}${textOf(RULES)}`;
    const isSeen = (name: string) => new RegExp(`\\b${name}(?:_bucket)?\\b`).test(seen);
    const unseen = FAMILIES.map(({ name }) => name).filter((name) => !isSeen(name));
    expect(unseen).toEqual([
      ...["baton_deployment_info", "baton_l1_safe_block", "baton_committee_certified_height"],
      ...["baton_member_reachable", "baton_validator_is_member", "baton_validator_epoch"],
      ...["baton_validator_acked_height", "baton_validator_stored_chunks"],
    ]);
  });
});

test("docs/observability.md lists exactly the metrics that are emitted", () => {
  const text = textOf("docs/observability.md");
  const table = text.slice(text.indexOf("| Metric |")).split("\n\n")[0] ?? "";
  const rows = [...table.matchAll(/^\| `(\w+)` \| (\w+) \| (.*) \|$/gm)].map((row) => row.slice(1));
  expect(rows).toEqual(FAMILIES.map(({ name, type, help }) => [name, type, help]));
});

/** Prometheus' own checker, which no package brings: these are tests where it is installed. */
const hasPromtool = spawnSync("promtool", ["--version"]).error === undefined;

if (hasPromtool) describe("promtool", whatPromtoolSays);
else console.log("promtool is not installed: what it says of the alerts is not tested");

function whatPromtoolSays(): void {
  const run = (args: readonly string[], input = "") => {
    const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" });
    return { status, said: `${stdout}${stderr}` };
  };

  test("takes the rules", () => {
    expect(run(["check", "rules", RULES])).toMatchObject({ status: 0 });
  });

  test("sees each alert fire in its scene, and none where all is well", () => {
    expect(run(["test", "rules", TESTS])).toMatchObject({ status: 0 });
  });

  test("has nothing to say about a scrape", () => {
    const text = formatExposition(fullScrape(), "prometheus");
    expect(run(["check", "metrics"], text)).toEqual({ status: 0, said: "" });
  });
}
