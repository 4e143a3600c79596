/**
 * The HTTP surface through the real Worker and the real object, with no L1 to be had: whatever does
 * not need an ordered op is answered as it always is, the rest says `starting`.
 */

import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/worker/index.ts";
import { OPERATOR_TOKEN, SUBMITTER_KEY, TEST_VARIABLES } from "../support/variables.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

// The pool hands this one object to the Worker and to the objects it creates.
Object.assign(env, TEST_VARIABLES);

const ORIGIN = "https://sequencer.test";
const one = vectors.cases[0] ?? expect.fail("the vectors hold a case");
const op = { message: one.message, signature: one.signature, sender: one.sender };
const APP = vectors.domain.verifyingContract;

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, { headers }));
}

function call(method: string, path: string, headers = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, { method, headers }));
}

function post(body: BodyInit, contentType = "application/json"): Promise<Response> {
  const headers = { "content-type": contentType };
  return exports.default.fetch(new Request(`${ORIGIN}/tx`, { method: "POST", headers, body }));
}

/** The same Worker under another environment. */
async function fetchWith(other: object, request: Request): Promise<Response> {
  const fetch = worker.fetch ?? expect.fail("the Worker answers requests");
  const incoming = new Request(request) as Parameters<typeof fetch>[0];
  return await fetch(incoming, { ...env, ...other }, createExecutionContext());
}

async function refusalOf(response: Response): Promise<unknown[]> {
  expect(response.headers.get("content-type")).toBe("application/json");
  const body = await response.json<Record<string, unknown>>();
  expect(Object.keys(body)).toEqual(["ok", "code", "message"]);
  expect(body["ok"]).toBe(false);
  return [response.status, body["code"], body["message"]];
}

const STARTING = [503, "UNAVAILABLE", "sequencer starting"];

describe("[I1] POST /tx up to the object", () => {
  const padded = (bytes: number) => JSON.stringify(op).padEnd(bytes, " ");
  const tooLarge = [413, "PAYLOAD_TOO_LARGE", "request body too large"];

  test("row 1: 4096 bytes pass, white space included, 4097 do not", async () => {
    expect(await refusalOf(await post(padded(4096)))).toEqual(STARTING);
    expect(await refusalOf(await post(padded(4097)))).toEqual(tooLarge);
  });

  test("row 1: a stream without a length is counted", async () => {
    const stream = (bytes: number) => {
      const [head, tail] = [padded(bytes).slice(0, 100), padded(bytes).slice(100)];
      const encoder = new TextEncoder();
      return new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(encoder.encode(head));
          controller.enqueue(encoder.encode(tail));
          controller.close();
        },
      });
    };
    expect(await refusalOf(await post(stream(4096)))).toEqual(STARTING);
    expect(await refusalOf(await post(stream(4097)))).toEqual(tooLarge);
  });

  test("row 1: an endless stream is left after the bound", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
    });
    expect(await refusalOf(await post(endless))).toEqual(tooLarge);
    expect(chunks).toBeLessThan(20);
  });

  test.each(["5000", "99999999999999999999"])("row 1: a declared length of %s", async (length) => {
    const headers = { "content-type": "application/json", "content-length": length };
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", headers, body: "{}" });
    expect(await refusalOf(await fetchWith({}, request))).toEqual(tooLarge);
  });

  test("row 1: a declared length that is too small is not believed", async () => {
    const headers = { "content-type": "application/json", "content-length": "10" };
    const body = padded(4097);
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", headers, body });
    expect(await refusalOf(await fetchWith({}, request))).toEqual(tooLarge);
  });

  test("row 1 comes before row 2, and row 2 before row 3", async () => {
    expect(await refusalOf(await post(padded(4097), "text/plain"))).toEqual(tooLarge);
    const missing = [400, "BAD_REQUEST", "missing content type"];
    expect(await refusalOf(await post("{", "text/plain"))).toEqual(missing);
  });

  test.each([
    ["application/json", true],
    ["APPLICATION/JSON", true],
    ["application/json; charset=utf-8", true],
    ["application/json;charset=utf-8", true],
    ["application/vnd.api+json", true],
    ["text/json", false],
    ["application/jsonp", false],
    ["application/x-json", false],
    ["application/x-www-form-urlencoded", false],
    ["x-application/json", false],
    ["", false],
  ])("row 2: content type %j is JSON: %j", async (type, accepted) => {
    const answered = await refusalOf(await post("{", type));
    expect(answered[2]).toBe(accepted ? "invalid JSON" : "missing content type");
  });

  test("row 2: no content type", async () => {
    const body = new TextEncoder().encode(JSON.stringify(op));
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", body });
    const answered = await refusalOf(await exports.default.fetch(request));
    expect(answered).toEqual([400, "BAD_REQUEST", "missing content type"]);
  });

  test.each([
    ["no body", new Uint8Array(0)],
    ["half a character", new Uint8Array([0x22, 0xc3, 0x22])],
    ["an overlong slash", new TextEncoder().encode("{}").map((byte) => byte ^ 0x80)],
    ["a byte order mark", new TextEncoder().encode(`\ufeff${JSON.stringify(op)}`)],
  ])("row 3: %s", async (_name, bytes) => {
    expect(await refusalOf(await post(bytes))).toEqual([400, "BAD_REQUEST", "invalid JSON"]);
  });

  test.each([
    [{ signature: "0x" }, "BAD_REQUEST", "signature must be 132 hex chars (0x + 65 bytes)"],
    [{ sender: "0x" }, "BAD_REQUEST", "sender must be 42 hex chars (0x + 20 bytes)"],
    [{ signature: `0X${op.signature.slice(2)}` }, "BAD_REQUEST", "hex string must start with 0x"],
    [{ signature: `0x${"zz".repeat(65)}` }, "BAD_REQUEST", "invalid hex: not a hexadecimal digit"],
    [
      { signature: `${op.signature.slice(0, -2)}02` },
      "INVALID_SIGNATURE",
      "invalid signature parity",
    ],
    [{ signature: `0x${"00".repeat(65)}` }, "INVALID_SIGNATURE", "invalid signature"],
    [{ sender: `0X${op.sender.slice(2)}` }, "BAD_REQUEST", "hex string must start with 0x"],
    [
      { signature: `0x${"05".padStart(64, "0")}${op.signature.slice(66)}` },
      "INVALID_SIGNATURE",
      "cannot recover sender",
    ],
    [{ sender: `0x${"11".repeat(20)}` }, "INVALID_SIGNATURE", "sender mismatch"],
  ])("rows 4 to 14: %j", async (difference, code, message) => {
    const response = await post(JSON.stringify({ ...op, ...difference }));
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await refusalOf(response)).toEqual([400, code, message]);
  });

  test("row 6: the application's bound is in the text", async () => {
    const message = { ...op.message, data: `0x${"00".repeat(1500)}` };
    const answered = await refusalOf(await post(JSON.stringify({ ...op, message })));
    expect(answered[2]).toMatch(/^user op payload too large: max \d+ bytes, got 1500 bytes$/);
  });

  test("[I5] a valid op before the first sync: 503 and when to come back", async () => {
    const response = await post(JSON.stringify(op));
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await refusalOf(response)).toEqual(STARTING);
  });
});

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

  test.each(["/", "/nothing", "/fee/", "/tx/", "/TX", "/ws", "/finalized_state/x"])(
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

describe("[I8] operator routes", () => {
  const paths = ["/finalized_state", "/finalized_state/inclusion_block", "/latest_snapshot"];
  const unauthorized = [401, "UNAUTHORIZED", "operator token required"];

  test.each(paths)("%s without the token", async (path) => {
    for (const authorization of [
      "",
      "Bearer",
      "Bearer ",
      `Bearer ${OPERATOR_TOKEN}x`,
      `Bearer ${OPERATOR_TOKEN.slice(1)}`,
      `Basic ${OPERATOR_TOKEN}`,
      OPERATOR_TOKEN,
    ]) {
      const response = await get(path, { authorization });
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect(await refusalOf(response)).toEqual(unauthorized);
    }
  });

  test.each(paths)("%s with the token reaches the object", async (path) => {
    for (const scheme of ["Bearer", "bearer"]) {
      const response = await get(path, { authorization: `${scheme} ${OPERATOR_TOKEN}` });
      expect([404, 503]).toContain(response.status);
    }
  });

  test.each(paths)("%s is not found where no token is set", async (path) => {
    const authorization = "Bearer undefined";
    const request = new Request(ORIGIN + path, { headers: { authorization } });
    const response = await fetchWith({ SEQ_OPERATOR_TOKEN: " " }, request);
    expect(await refusalOf(response)).toEqual([404, "NOT_FOUND", "not found"]);
  });

  test.each(paths)("%s answers GET alone, HEAD would hold a lease", async (path) => {
    const authorization = `Bearer ${OPERATOR_TOKEN}`;
    const response = await call("POST", path, { authorization });
    expect(response.headers.get("allow")).toBe("GET");
    expect((await refusalOf(response))[0]).toBe(405);
    const head = path === "/finalized_state/inclusion_block" ? [404, 503] : [405];
    expect(head).toContain((await call("HEAD", path, { authorization })).status);
  });

  test("[V3] the digest is public", async () => {
    expect([404, 503]).toContain((await get("/finalized_state/digest")).status);
  });
});

describe("a deployment that is not configured", () => {
  const broken = { SEQ_CHAIN_ID: "mainnet", SEQ_APP_ADDRESS: "" };
  const refused = [503, "MISCONFIGURED", "sequencer misconfigured"];

  test.each(["/domain", "/healthz", "/readyz", "/nothing", "/finalized_state", "/ws/subscribe"])(
    "GET %s says so and no more",
    async (path) => {
      const response = await fetchWith(broken, new Request(ORIGIN + path));
      expect(await refusalOf(response)).toEqual(refused);
    },
  );

  test("POST /tx says so", async () => {
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", body: JSON.stringify(op) });
    expect(await refusalOf(await fetchWith(broken, request))).toEqual(refused);
  });

  test("/livez is alive", async () => {
    expect((await fetchWith(broken, new Request(`${ORIGIN}/livez`))).status).toBe(200);
  });

  test("the operator reads every problem, and no value", async () => {
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const response = await fetchWith(broken, new Request(`${ORIGIN}/healthz`, { headers }));
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      ok: false,
      code: "MISCONFIGURED",
      problems: [{ variable: "SEQ_CHAIN_ID" }, { variable: "SEQ_APP_ADDRESS" }],
    });
    for (const secret of [SUBMITTER_KEY, TEST_VARIABLES["SEQ_ETH_RPC_URL"], "mainnet"]) {
      expect(text).not.toContain(secret);
    }
  });

  test.each([undefined, "", " "])(
    "with the token set to %j nobody is the operator",
    async (token) => {
      const headers = { authorization: `Bearer ${token ?? "undefined"}` };
      const request = new Request(`${ORIGIN}/healthz`, { headers });
      const response = await fetchWith({ ...broken, SEQ_OPERATOR_TOKEN: token }, request);
      expect(await refusalOf(response)).toEqual(refused);
    },
  );

  test("cron does nothing", async () => {
    const scheduled = worker.scheduled ?? expect.fail("the Worker has a heartbeat");
    const controller = createScheduledController({ cron: "* * * * *" });
    await scheduled(controller, { ...env, ...broken }, createExecutionContext());
  });
});

describe("a call to the object that fails", () => {
  /** The namespace as the platform makes it fail: the stub exists, its calls throw. */
  function failing(marks: object): object {
    const fail = () => Promise.reject(Object.assign(new Error("sqlite: secret detail"), marks));
    const stub = { submit: fail, fee: fail, health: fail, fetch: fail };
    return { SEQUENCER: { getByName: () => stub } };
  }

  const requests = [
    new Request(`${ORIGIN}/fee`),
    new Request(`${ORIGIN}/healthz`),
    new Request(`${ORIGIN}/ws/subscribe`, { headers: { upgrade: "websocket" } }),
    new Request(`${ORIGIN}/tx`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(op),
    }),
  ];

  test.each([
    [{ retryable: true }, STARTING],
    [{ durableObjectReset: true, remote: true }, STARTING],
    [{ overloaded: true, retryable: true }, [429, "OVERLOADED", "queue full"]],
    [{ overloaded: true }, [429, "OVERLOADED", "queue full"]],
    [{ remote: true }, [500, "INTERNAL_ERROR", "internal error"]],
    [{ retryable: false }, [500, "INTERNAL_ERROR", "internal error"]],
  ])("[I6] marked %j", async (marks, expected) => {
    for (const request of requests) {
      const response = await fetchWith(failing(marks), request.clone());
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.has("retry-after")).toBe(expected[0] !== 500);
      expect(await refusalOf(response)).toEqual(expected);
    }
  });
});

test("[L4] [S8] cron asks the application's object, by its name, for one heartbeat", async () => {
  const scheduled = worker.scheduled ?? expect.fail("the Worker has a heartbeat");
  const asked: string[] = [];
  const namespace = {
    getByName: (name: string) => ({ heartbeat: () => Promise.resolve(asked.push(name)) }),
  };
  const controller = createScheduledController({ cron: "* * * * *" });
  const other = { ...env, ...{ SEQUENCER: namespace as never } };
  await scheduled(controller, other, createExecutionContext());
  expect(asked).toEqual([APP]);
});

test("[L4] the object answers a heartbeat also before its first sync", async () => {
  await expect(env.SEQUENCER.getByName(APP).heartbeat()).resolves.toBeUndefined();
});
