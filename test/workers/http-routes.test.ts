/** The public routes: parameters, methods, caching, CORS and health before the first sync. */

import { describe, expect, test } from "vitest";
import vectors from "../vectors/eip712.json" with { type: "json" };
import { APP, call, get, refusalOf, STARTING } from "./requests.ts";

describe("[I6] public routes", () => {
  test("GET /domain needs no object", async () => {
    const response = await get("/domain");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(vectors.domain);
  });

  test.each(["/nonce", "/nonce?sender=0x12", "/nonce?sender="])("GET %s", async (path) => {
    expect(await refusalOf(await get(path))).toEqual([
      400,
      "BAD_REQUEST",
      "expected ?sender=<0x-prefixed 20-byte hex address>",
    ]);
  });

  test.each([
    `/tx/0x12/0`,
    `/tx/${APP}/-1`,
    `/tx/${APP}/4294967296`,
    "/feed?limit=0",
    "/feed?limit=1001",
    "/feed?from_offset=-1",
    "/feed?era=x",
    "/ws/subscribe",
  ])("GET %s is a bad request", async (path) => {
    expect((await refusalOf(await get(path))).slice(0, 2)).toEqual([400, "BAD_REQUEST"]);
  });

  test.each(["from_offset=x", "batch=2", "era=1"])("GET /ws/subscribe?%s", async (query) => {
    const response = await get(`/ws/subscribe?${query}`, { upgrade: "websocket" });
    expect((await refusalOf(response)).slice(0, 2)).toEqual([400, "BAD_REQUEST"]);
  });

  test.each(["/fee", "/deployment", "/feed", `/nonce?sender=${APP}`, "/ws/subscribe"])(
    "[I5] GET %s before the first sync",
    async (path) => {
      const response = await get(path, { upgrade: "websocket" });
      expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
      expect((await refusalOf(response)).slice(0, 2)).toEqual([503, "UNAVAILABLE"]);
    },
  );

  test("GET /tx/:sender/:nonce of an op that was never ordered", async () => {
    expect((await refusalOf(await get(`/tx/${APP}/0`))).slice(0, 2)).toEqual([404, "NOT_FOUND"]);
  });

  test.each(["/dashboard/x", "/nothing", "/fee/", "/tx/", "/TX", "/ws", "/finalized_state/x"])(
    "%s is not found",
    async (path) => {
      expect(await refusalOf(await get(path))).toEqual([404, "NOT_FOUND", "not found"]);
    },
  );

  test.each([
    ["GET", "/tx", "POST"],
    ["PUT", "/tx", "POST"],
    ["POST", "/fee", "GET, HEAD"],
    ["POST", "/nonce", "GET, HEAD"],
    ["DELETE", "/domain", "GET, HEAD"],
    ["POST", "/deployment", "GET, HEAD"],
    ["POST", "/feed", "GET, HEAD"],
    ["POST", "/ws/subscribe", "GET"],
    ["POST", "/livez", "GET, HEAD"],
    ["POST", "/readyz", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["POST", `/tx/${APP}/0`, "GET, HEAD"],
    ["POST", "/finalized_state/digest", "GET, HEAD"],
  ])("%s %s is not allowed", async (method, path, allow) => {
    const response = await call(method, path);
    expect(response.headers.get("allow")).toBe(allow);
    expect(await refusalOf(response)).toEqual([405, "METHOD_NOT_ALLOWED", "method not allowed"]);
  });

  test("HEAD is GET without the body", async () => {
    const response = await call("HEAD", "/domain");
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test.each(["/fee", "/nonce", "/feed", "/healthz", "/nothing", `/tx/${APP}/0`])(
    "GET %s is not cached",
    async (path) => expect((await get(path)).headers.get("cache-control")).toBe("no-store"),
  );
});

describe("[I6] CORS", () => {
  const preflight = { origin: "https://wallet.test", "access-control-request-method": "POST" };

  test.each(["/tx", "/fee", "/feed", "/livez"])("OPTIONS %s", async (path) => {
    const response = await call("OPTIONS", path, preflight);
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET,POST",
      "access-control-allow-headers": "*",
      "access-control-max-age": "3600",
    });
  });

  test.each(["/domain", "/livez", "/fee", "/nonce", "/nothing", "/feed?limit=0", "/readyz"])(
    "GET %s may be read from any origin, refusals too",
    async (path) => {
      const response = await get(path, { origin: "https://wallet.test" });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
    },
  );

  test.each(["/finalized_state", "/finalized_state/inclusion_block", "/latest_snapshot"])(
    "[I8] %s has none",
    async (path) => {
      for (const method of ["GET", "OPTIONS"]) {
        const response = await call(method, path, preflight);
        expect(response.status).toBe(401);
        expect(response.headers.get("access-control-allow-origin")).toBeNull();
      }
    },
  );
});

describe("[I7] health", () => {
  test("/livez is 200 and empty", async () => {
    const response = await get("/livez");
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("/healthz says what it is waiting for, and what it does not know", async () => {
    const response = await get("/healthz");
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: "degraded",
      mode: "starting",
      safe_block: null,
      safe_block_age_s: null,
      blocks_to_danger: null,
      refusal: null,
      recovery: null,
      committee: null,
      unposted_batches: null,
      oldest_unposted_age_s: null,
      feed_head: null,
      era: null,
      generation: null,
    });
  });

  test("/readyz: would not accept an op now", async () => {
    expect(await refusalOf(await get("/readyz"))).toEqual(STARTING);
  });
});
