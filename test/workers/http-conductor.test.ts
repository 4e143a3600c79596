/** `POST /operator/rpc` over a conductor that keeps what it was told. */

import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { beforeEach, expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type {
  ConductorApi,
  ConductorCommand,
  ConductorState,
} from "../../src/core/api/conductor-rpc.ts";
import { err, ok } from "../../src/core/types/result.ts";
import { createConfigure } from "../../src/worker/config.ts";
import { conductor } from "../../src/worker/routes/conductor.ts";
import type { Site } from "../../src/worker/site.ts";
import { OPERATOR_TOKEN, TEST_VARIABLES } from "../support/variables.ts";
import { ORIGIN, refusalOf } from "./requests.ts";

const one = { id: "one", addr: "object:sequencer/one", suffrage: 0 } as const;
const START: ConductorState = {
  isLeader: true,
  leader: one,
  isPaused: false,
  isStopped: false,
  isHealthy: true,
  servers: [one],
  epoch: 0,
};

let state: ConductorState | null;
let told: ConductorCommand[];
const api: ConductorApi = {
  conductorState: () => Promise.resolve(state),
  conductorCommand: (command) => {
    told.push(command);
    if (state === null) return Promise.resolve(err("no-committee"));
    if (command.do === "transfer") return Promise.resolve(err("no-successor"));
    state = { ...state, isPaused: command.do === "pause", isStopped: command.do === "stop" };
    return Promise.resolve(ok(null));
  },
};

beforeEach(() => {
  state = START;
  told = [];
});

const configured = createConfigure(walletApplication)({ ...env, ...TEST_VARIABLES });
const site = new Hono<Site>()
  .use((c, next) => {
    if (!configured.ok) throw new Error("the test's variables hold");
    c.set("deployment", configured.value);
    return next();
  })
  .route(
    "/",
    conductor(() => api),
  );

async function post(body: string, token: string = OPERATOR_TOKEN): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  return await site.request(`${ORIGIN}/operator/rpc`, { method: "POST", body, headers }, env);
}

const call = (method: string, id?: number, params: readonly unknown[] = []) => ({
  jsonrpc: "2.0",
  ...(id === undefined ? {} : { id }),
  method: `conductor_${method}`,
  params,
});

async function ask(...calls: readonly object[]): Promise<unknown> {
  const [single] = calls;
  const response = await post(JSON.stringify(calls.length === 1 ? single : calls));
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "application/json",
  ]);
  return await response.json();
}

test("[I8] the operator alone, and POST alone", async () => {
  const refused = await post(JSON.stringify(call("pause", 1)), "wrong");
  expect(await refusalOf(refused)).toEqual([401, "UNAUTHORIZED", "operator token required"]);
  expect(told).toEqual([]);
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const got = await site.request(`${ORIGIN}/operator/rpc`, { headers }, env);
  expect([got.status, got.headers.get("allow")]).toEqual([405, "POST"]);
  const blind = await site.request(`${ORIGIN}/operator/rpc`, {}, env);
  expect((await refusalOf(blind))[0]).toBe(401);
});

test("a question and a command", async () => {
  expect(await ask(call("leaderWithID", 1))).toEqual({ jsonrpc: "2.0", id: 1, result: one });
  expect(await ask(call("stop", 2))).toEqual({ jsonrpc: "2.0", id: 2, result: null });
  expect(await ask(call("active", 3))).toMatchObject({ result: false });
  expect(told).toEqual([{ do: "stop" }]);
});

test("a batch runs in order, and each call sees what the one before did", async () => {
  const calls = [call("paused", 1), call("pause"), call("paused", 2), call("nothing", 3)];
  expect(await ask(...calls)).toMatchObject([
    { id: 1, result: false },
    { id: 2, result: true },
    { id: 3, error: { code: -32601 } },
  ]);
});

test("what cannot be begun, and where there is no committee", async () => {
  const transfer = call("transferLeaderToServer", 1, ["two", "nowhere"]);
  expect(await ask(transfer)).toMatchObject({ id: 1, error: { code: -32000 } });
  expect(told).toEqual([{ do: "transfer", to: { id: "two", addr: "nowhere" } }]);
  state = null;
  for (const method of ["leader", "pause"]) {
    expect(await ask(call(method, 1))).toMatchObject({
      error: { code: -32000, message: "this sequencer has no committee" },
    });
  }
});

test("an override reaches nobody", async () => {
  expect(await ask(call("overrideLeader", 1, [true]))).toMatchObject({ error: { code: -32000 } });
  expect(told).toEqual([]);
});

test("notifications are carried out and not answered; a body is bounded", async () => {
  const response = await post(JSON.stringify(call("pause")));
  expect([response.status, await response.text()]).toEqual([204, ""]);
  expect(told).toEqual([{ do: "pause" }]);
  expect((await post("{")).status).toBe(200);
  expect((await post(" ".repeat(4_097))).status).toBe(413);
});
