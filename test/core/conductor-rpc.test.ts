/** JSON-RPC for operators: every method of op-conductor by its shapes, and what is no call at all. */

import { describe, expect, test } from "vitest";
import {
  type ConductorCommand,
  type ConductorState,
  commandOutcome,
  formatReplies,
  formatReply,
  parseRpcBody,
  RPC_BATCH_MAX,
  type RpcCall,
} from "../../src/core/api/conductor-rpc.ts";
import { err, ok } from "../../src/core/types/result.ts";

const one = { id: "one", addr: "object:sequencer/one", suffrage: 0 } as const;
const two = {
  id: "two",
  addr: "https://two.example/committee/sequencer/two",
  suffrage: 0,
} as const;
const state: ConductorState = {
  isLeader: true,
  leader: one,
  isPaused: false,
  isStopped: false,
  isHealthy: true,
  servers: [one, two],
  epoch: 7,
};

const call = (method: string, params?: unknown, id: unknown = 1): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method: `conductor_${method}`, params });

function only(text: string): RpcCall {
  const body = parseRpcBody(text);
  const [first, ...rest] = body.ok ? body.value.calls : [];
  if (first === undefined || rest.length > 0) return expect.unreachable();
  return first;
}

/** The error's code, or what the call is to do. */
function planned(text: string): unknown {
  const { plan } = only(text);
  if (!plan.ok) return plan.error.code;
  return plan.value.is === "command" ? plan.value.command : plan.value.answer;
}

function answered(text: string, of: ConductorState = state): unknown {
  const { plan } = only(text);
  return plan.ok && plan.value.is === "question" ? plan.value.answer(of) : expect.unreachable();
}

describe("questions", () => {
  test.each<[string, Partial<ConductorState>, unknown]>([
    ["leader", {}, true],
    ["leader", { isLeader: false }, false],
    ["leaderWithID", {}, one],
    ["active", {}, true],
    ["active", { isPaused: true }, false],
    ["active", { isStopped: true }, false],
    ["paused", { isPaused: true }, true],
    ["stopped", {}, false],
    ["stopped", { isStopped: true }, true],
    ["sequencerHealthy", { isHealthy: false }, false],
    ["clusterMembership", {}, { servers: [one, two], version: 7 }],
    ["leaderOverridden", {}, false],
  ])("%s of %j is %j", (method, change, expected) => {
    for (const params of [undefined, null, []]) {
      expect(answered(call(method, params), { ...state, ...change })).toEqual(expected);
    }
  });
});

describe("commands", () => {
  test.each<[string, readonly unknown[], ConductorCommand]>([
    ["pause", [], { do: "pause" }],
    ["resume", [], { do: "resume" }],
    ["stop", [], { do: "stop" }],
    ["transferLeader", [], { do: "transfer", to: null }],
    [
      "transferLeaderToServer",
      ["two", two.addr],
      { do: "transfer", to: { id: "two", addr: two.addr } },
    ],
  ])("%s %j", (method, params, expected) => {
    expect(planned(call(method, params))).toEqual(expected);
  });

  test("an override is refused, and to lift one that never is does nothing", () => {
    const { plan } = only(call("overrideLeader", [true]));
    expect(plan).toEqual(
      err({ code: -32000, message: expect.stringContaining("without a quorum") }),
    );
    expect(answered(call("overrideLeader", [false]))).toBeNull();
  });

  test("a command that cannot be begun says why, and nothing else of it", () => {
    expect(commandOutcome(ok(null))).toEqual(ok(null));
    const reasons = [
      "no-committee",
      "no-successor",
      "not-supported",
      "in-progress",
      "stopped",
    ] as const;
    const texts = reasons.map((reason) => {
      const outcome = commandOutcome(err(reason));
      return outcome.ok ? expect.unreachable() : [outcome.error.code, outcome.error.message];
    });
    expect(texts.every(([code]) => code === -32000)).toBe(true);
    expect(new Set(texts.map(([, message]) => message)).size).toBe(reasons.length);
  });
});

describe("params", () => {
  test.each<[string, unknown]>([
    ["leader", [1]],
    ["leader", {}],
    ["leader", "all"],
    ["pause", [true]],
    ["transferLeader", ["two"]],
    ["transferLeaderToServer", []],
    ["transferLeaderToServer", ["two"]],
    ["transferLeaderToServer", ["two", 2]],
    ["transferLeaderToServer", ["two", two.addr, 3]],
    ["overrideLeader", []],
    ["overrideLeader", ["true"]],
    ["overrideLeader", [true, false]],
  ])("%s %j is -32602", (method, params) => {
    expect(planned(call(method, params))).toBe(-32602);
  });
});

describe("a body", () => {
  test.each(["", "{", "[1,]", "{} {}"])("%j is -32700", (text) => {
    expect(parseRpcBody(text)).toMatchObject({ ok: false, error: { code: -32700 } });
  });

  test("an empty batch and one that is too large are refused as a whole", () => {
    const batch = (count: number) =>
      `[${Array.from({ length: count }, () => call("leader")).join()}]`;
    expect(parseRpcBody("[]")).toMatchObject({ ok: false, error: { code: -32600 } });
    expect(parseRpcBody(batch(RPC_BATCH_MAX + 1))).toMatchObject({ error: { code: -32600 } });
    const most = parseRpcBody(batch(RPC_BATCH_MAX));
    expect(most.ok && [most.value.isBatch, most.value.calls.length]).toEqual([true, RPC_BATCH_MAX]);
    const single = parseRpcBody(batch(1));
    expect(single.ok && single.value.isBatch).toBe(true);
  });

  test.each([
    ["1", null],
    ["null", null],
    ['"leader"', null],
    ["{}", null],
    ['{"jsonrpc":"1.0","id":5,"method":"conductor_leader"}', 5],
    ['{"jsonrpc":"2.0","id":5,"method":1}', 5],
    ['{"jsonrpc":"2.0","id":5}', 5],
    ['{"jsonrpc":"2.0","id":{},"method":"conductor_leader"}', null],
    ['{"jsonrpc":"2.0","id":[1],"method":"conductor_leader"}', null],
    ['{"jsonrpc":"2.0","id":true,"method":"conductor_leader"}', null],
  ])("%s is -32600 with the id %j", (text, id) => {
    expect([planned(text), only(text).id]).toEqual([-32600, id]);
  });

  test.each(["leader ", "commitUnsafePayload", "addServerAsVoter", "toString", "__proto__"])(
    "conductor_%s is -32601",
    (method) => {
      expect(planned(call(method))).toBe(-32601);
      expect(planned(call(method).replace("conductor_", ""))).toBe(-32601);
    },
  );

  test("an id comes back as it was, and without one there is no answer", () => {
    for (const id of ["", "a", 0, -1, 2 ** 53, 1.5, null]) {
      const reply = formatReply(only(call("leader", [], id)).id, ok(true));
      expect(JSON.parse(reply ?? "")).toEqual({ jsonrpc: "2.0", id, result: true });
    }
    const notification = '{"jsonrpc":"2.0","method":"conductor_pause"}';
    expect(planned(notification)).toEqual({ do: "pause" });
    expect(formatReply(only(notification).id, ok(null))).toBeNull();
  });
});

describe("an answer", () => {
  test("is a result or an error, never both", () => {
    expect(formatReply(1, ok(null))).toBe('{"jsonrpc":"2.0","id":1,"result":null}');
    const error = { code: -32000, message: "no" };
    expect(formatReply(1, err(error))).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}',
    );
  });

  test("is an array exactly for a batch, without notifications", () => {
    const single = { isBatch: false, calls: [] };
    const batch = { isBatch: true, calls: [] };
    expect(formatReplies(single, ["1"])).toBe("1");
    expect(formatReplies(batch, ["1"])).toBe("[1]");
    expect(formatReplies(batch, ["1", null, "2"])).toBe("[1,2]");
    expect(formatReplies(single, [null])).toBeNull();
    expect(formatReplies(batch, [null, null])).toBeNull();
  });
});
