/** Who reads what: the operator's routes, and a deployment that is not configured. */

import { createExecutionContext, createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/worker/index.ts";
import { signed as op } from "../support/signed-op.ts";
import { OPERATOR_TOKEN, SUBMITTER_KEY, TEST_VARIABLES } from "../support/variables.ts";
import { call, fetchWith, get, ORIGIN, refusalOf } from "./requests.ts";

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

  test.each([undefined, "", " ", 7])(
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
