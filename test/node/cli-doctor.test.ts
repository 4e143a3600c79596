/** What `baton doctor` makes of numbers, on both sides of each limit. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { formatCheck } from "../../src/cli/doctor/check.ts";
import {
  BALANCE_FAIL_WEI,
  BALANCE_WARN_WEI,
  HEARTBEAT_FAIL_S,
  HEARTBEAT_WARN_S,
  judgeBalance,
  judgeCommittee,
  judgeDanger,
  judgeHeartbeat,
  judgeLag,
  judgeLatency,
  judgeMode,
  judgeProgress,
  judgeSkew,
  LAG_FAIL_BLOCKS,
  LAG_WARN_BLOCKS,
  LATENCY_WARN_MS,
  SKEW_FAIL_MS,
  SKEW_WARN_MS,
} from "../../src/cli/doctor/judge.ts";
import type { CommitteeBody, HealthBody } from "../../src/core/api/sequencer-api.ts";
import { send } from "../support/claiming-server.ts";
import { runCommand } from "../support/command.ts";

const COMMITTEE: CommitteeBody = {
  ...{ epoch: 3, leader: "a", is_leader: true, certified_height: 9, uncertified_events: 0 },
  ...{ reachable: 4, quorum: 3, evidence: 0, reason: null },
};
const HEALTH: HealthBody = {
  ...{ status: "ok", mode: "serving", refusal: null, recovery: null, committee: null },
  ...{ safe_block: 1, safe_block_age_s: 1, blocks_to_danger: 900, unposted_batches: 0 },
  ...{ oldest_unposted_age_s: null, feed_head: 1, era: null, generation: 0 },
};
const member = (name: string, is_reachable: boolean) => ({
  ...{ endpoint: `object:validator/${name}`, key: "0x00", acked_height: 9, lag: 0, is_reachable },
});
const MEMBERS = ["v1", "v2", "v3", "v4"].map((name) => member(name, true));

describe("limits", () => {
  test("latency", () => {
    expect(judgeLatency(LATENCY_WARN_MS).verdict).toBe("ok");
    expect(judgeLatency(LATENCY_WARN_MS + 1).verdict).toBe("warn");
  });

  test.each([1, -1])("clock, in direction %i, less what cannot be known of it", (sign) => {
    const skew = (ms: number) => judgeSkew(sign * (ms + 700), 700).verdict;
    expect([skew(SKEW_WARN_MS - 1), skew(SKEW_WARN_MS)]).toEqual(["ok", "warn"]);
    expect([skew(SKEW_FAIL_MS - 1), skew(SKEW_FAIL_MS)]).toEqual(["warn", "fail"]);
  });

  test("lag behind L1, and an endpoint that lags itself", () => {
    const lag = (behind: number) => judgeLag(1_000, 1_000 + behind).verdict;
    expect([lag(LAG_WARN_BLOCKS), lag(LAG_WARN_BLOCKS + 1)]).toEqual(["ok", "warn"]);
    expect([lag(LAG_FAIL_BLOCKS), lag(LAG_FAIL_BLOCKS + 1)]).toEqual(["warn", "fail"]);
    expect([lag(-LAG_WARN_BLOCKS), lag(-LAG_WARN_BLOCKS - 1)]).toEqual(["ok", "warn"]);
    expect(judgeLag(null, 5).verdict).toBe("fail");
  });

  test("progress of L1, in blocks of its own time", () => {
    const at = (latestS: number, safeS: number) =>
      judgeProgress({ latestS, safeS, secondsPerBlock: 12 }).verdict;
    expect([at(300, 1_596), at(301, 1_596), at(300, 1_597)]).toEqual(["ok", "fail", "warn"]);
  });

  test("balance", () => {
    const of = (wei: bigint) => judgeBalance(wei, "0x").verdict;
    expect([of(BALANCE_WARN_WEI), of(BALANCE_WARN_WEI - 1n)]).toEqual(["ok", "warn"]);
    expect([of(BALANCE_FAIL_WEI), of(BALANCE_FAIL_WEI - 1n)]).toEqual(["warn", "fail"]);
  });

  test("danger: a third of the way is left", () => {
    const left = (blocks: number | null) => judgeDanger(blocks, 900).verdict;
    expect([left(300), left(299), left(1), left(0), left(null)]).toEqual([
      ...["ok", "warn", "warn", "fail", "skip"],
    ]);
  });

  test("[L4] heartbeat: none is a failure where there is a cron, and it had time to come", () => {
    const age = (ageS: number | null, isLocal = false) =>
      judgeHeartbeat(ageS, HEARTBEAT_WARN_S, isLocal).verdict;
    expect([age(HEARTBEAT_WARN_S), age(HEARTBEAT_WARN_S + 1)]).toEqual(["ok", "warn"]);
    expect([age(HEARTBEAT_FAIL_S), age(HEARTBEAT_FAIL_S + 1)]).toEqual(["warn", "fail"]);
    expect([age(null), age(null, true)]).toEqual(["fail", "skip"]);
    expect(judgeHeartbeat(null, HEARTBEAT_WARN_S - 1, false).verdict).toBe("skip");
  });

  test.each([
    ["serving", "ok", "ok"],
    ["serving", "degraded", "warn"],
    ["refused", "degraded", "fail"],
    ["recovering", "degraded", "fail"],
    ["draining", "degraded", "fail"],
  ] as const)("mode %s, status %s: %s", (mode, status, verdict) => {
    expect(judgeMode({ ...HEALTH, mode, status }).verdict).toBe(verdict);
  });
});

describe("[C5] a committee", () => {
  const verdicts = (body: Partial<CommitteeBody>, members = MEMBERS) =>
    judgeCommittee({ ...COMMITTEE, ...body }, members).map(({ verdict }) => verdict);

  test("with a quorum and without", () => {
    const away = (count: number) => MEMBERS.map((one, i) => member(one.endpoint, i >= count));
    expect(verdicts({})).toEqual(["ok", "ok", "ok"]);
    expect(verdicts({ reachable: 3 }, away(1))).toEqual(["warn", "ok", "ok"]);
    expect(verdicts({ reachable: 2, reason: "no-quorum" }, away(2))).toEqual([
      "fail",
      "fail",
      "ok",
    ]);
  });

  test("with evidence, and before it was founded", () => {
    expect(verdicts({ evidence: 1 })).toEqual(["ok", "ok", "fail"]);
    expect(verdicts({ epoch: null })).toEqual(["fail"]);
  });
});

test("each check is one line that says what to do", () => {
  const check = judgeDanger(0, 900);
  expect(formatCheck(check)).toBe(
    "FAIL  danger        0 of 900 blocks are left for the oldest batch: a recovery voids what cannot land",
  );
});

test("a misconfigured Worker: the list is shown with the token, and nothing else is asked", async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    if (request.url === "/livez") return send(response, 200, "");
    const isOperator = request.headers.authorization === "Bearer right";
    const problems = [{ variable: "SEQ_CHAIN_ID", problem: "is required" }];
    const body = { ok: false, code: "MISCONFIGURED", message: "sequencer misconfigured" };
    return send(response, 503, isOperator ? { ...body, problems } : body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const blind = await runCommand(["doctor", url]);
  expect(blind.stdout).toContain("FAIL  configured    no: name the operator's token to see why\n");
  const seeing = await runCommand(["doctor", url], { env: { SEQ_OPERATOR_TOKEN: "right" } });
  expect(seeing.stdout).toContain("no: SEQ_CHAIN_ID is required: correct them, and deploy\n");
  expect([blind.exitCode, seeing.exitCode]).toEqual([2, 2]);
  expect(new Set(asked)).toEqual(new Set(["/livez", "/healthz"]));
  server.close();
});
