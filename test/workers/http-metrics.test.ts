/** `GET /metrics` and `GET /overview` of the real Worker, before its objects have seen L1. */

import parse from "parse-prometheus-text-format";
import { describe, expect, test } from "vitest";
import { readOpenMetrics } from "../support/openmetrics.ts";
import { OPERATOR_TOKEN } from "../support/variables.ts";
import { call, fetchWith, get, ORIGIN, refusalOf } from "./requests.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const OPERATOR = bearer(OPERATOR_TOKEN);

const scrapeWith = (vars: object, headers: Record<string, string> = OPERATOR) =>
  fetchWith(vars, new Request(`${ORIGIN}/metrics`, { headers }));

async function seriesOf(response: Response, name: string) {
  expect(response.status).toBe(200);
  return parse(await response.text()).find((family) => family.name === name)?.metrics ?? [];
}

describe("[I6] GET /overview", () => {
  test("is public, of the moment, and answers in every mode", async () => {
    const response = await get("/overview");
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const body = await response.json<Record<string, unknown>>();
    expect(body).toMatchObject({ health: { mode: "starting" }, pipeline: null, members: [] });
  });

  test("takes no other method", async () => {
    const response = await call("POST", "/overview");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("[I8] GET /metrics", () => {
  test("takes the operator's token or the scraper's, and no other", async () => {
    const vars = { SEQ_METRICS_TOKEN: "a scraper's token" };
    for (const token of [OPERATOR_TOKEN, "a scraper's token"]) {
      expect((await scrapeWith(vars, bearer(token))).status).toBe(200);
    }
    for (const headers of [{}, bearer("another"), bearer("a scraper's token")]) {
      const response = await scrapeWith({}, headers);
      expect(await refusalOf(response)).toEqual([401, "UNAUTHORIZED", "metrics token required"]);
    }
  });

  test("the scraper's token opens nothing else", async () => {
    const vars = { SEQ_METRICS_TOKEN: "a scraper's token" };
    const headers = bearer("a scraper's token");
    const request = new Request(`${ORIGIN}/operator/rpc`, { method: "POST", headers, body: "{}" });
    expect((await fetchWith(vars, request)).status).toBe(401);
  });

  test("without any token there is no such route; one of the two is enough", async () => {
    expect((await scrapeWith({ SEQ_OPERATOR_TOKEN: undefined })).status).toBe(404);
    const vars = { SEQ_OPERATOR_TOKEN: undefined, SEQ_METRICS_TOKEN: "x" };
    expect((await scrapeWith(vars, bearer("x"))).status).toBe(200);
  });

  test("is for servers: no web page may read it", async () => {
    const response = await get("/metrics", OPERATOR);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect((await call("POST", "/metrics", OPERATOR)).status).toBe(405);
  });

  test("speaks Prometheus' own format, and OpenMetrics to whoever asks for it", async () => {
    const own = await get("/metrics", OPERATOR);
    expect(own.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await seriesOf(own, "baton_up")).toEqual([{ value: "1" }]);
    const accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3";
    const open = await get("/metrics", { ...OPERATOR, accept });
    expect(open.headers.get("content-type")).toMatch(/^application\/openmetrics-text; version=1/);
    const { breaches, series } = readOpenMetrics(await open.text());
    expect(breaches).toEqual([]);
    expect(series.get("baton_ready{}")).toBe(0);
    expect(series.get('baton_mode{mode="starting"}')).toBe(1);
  });
});

describe("[C6] under a committee", () => {
  const KEK = { SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}` };

  test("each own candidate and validator speaks for itself, whoever leads", async () => {
    const vars = {
      ...KEK,
      SEQ_CANDIDATES: [
        "one=object:sequencer/one",
        "two=object:sequencer/two",
        "far=https://far.example/committee/sequencer/far",
      ].join(),
      SEQ_VALIDATORS: "object:validator/v1, object:validator/v2",
    };
    const up = await seriesOf(await scrapeWith(vars), "baton_up");
    expect(up.map(({ labels }) => labels)).toEqual([{ candidate: "one" }, { candidate: "two" }]);
    const validators = await seriesOf(await scrapeWith(vars), "baton_validator_up");
    expect(validators.map(({ labels }) => labels)).toEqual([
      { validator: "v1" },
      { validator: "v2" },
    ]);
  });

  test("a deployment of validators alone has its metrics too", async () => {
    const vars = {
      ...KEK,
      SEQ_CANDIDATES: "far=https://far.example/committee/sequencer/far",
      SEQ_VALIDATORS: "object:validator/v3",
    };
    const response = await scrapeWith(vars);
    const text = await response.text();
    expect(text).toContain('baton_validator_up{validator="v3"}');
    expect(text).not.toContain("baton_up");
  });
});
