/** Decisions section 9: defaults, and every number's bound from both sides. */

import { describe, expect, test } from "vitest";
import type { Vars } from "../../src/core/config/config.ts";
import { accepted, parse, problemsWith } from "../support/config.ts";
import { OPERATOR_TOKEN, SUBMITTER_KEY, TEST_VARIABLES } from "../support/variables.ts";

const SUBMITTER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const REQUIRED = [
  "SEQ_ETH_RPC_URL",
  "SEQ_CHAIN_ID",
  "SEQ_APP_ADDRESS",
  "SEQ_BATCH_SUBMITTER_PRIVATE_KEY",
];

test("the defaults are the table's", () => {
  expect(accepted()).toEqual({
    chainId: 31_337,
    app: "0x1111111111111111111111111111111111111111",
    submitter: SUBMITTER,
    appConfig: expect.objectContaining({ feeRecipient: SUBMITTER }),
    timing: {
      secondsPerBlock: 12,
      dangerBlocks: 900,
      readStaleAfterBlocks: 600,
      batchLingerMs: 600_000,
      maxBatchOpenMs: 7_200_000,
      snapshotMs: 60_000,
      retentionMs: 7 * 86_400_000,
      submitterIdlePollMs: 5_000,
      confirmationDepth: 2,
    },
    longRangeCodes: [-32_005, -32_012, -32_600, -32_602, -32_616],
    maxFeePerGasWei: 500_000_000_000n,
    flushBudgetWei: 10n ** 17n,
    retentionBytes: 6 * 1024 ** 3,
    intakeBytesMax: 9 * 1024 ** 3,
    archiveChunksMax: 2_000_000,
    gateways: 0,
    relays: { mode: "regional", shards: 1 },
    committee: null,
    ownCandidates: [],
    ownValidators: [],
    validatorMode: "linkage",
    secrets: {
      submitterKey: SUBMITTER_KEY,
      operatorToken: OPERATOR_TOKEN,
      metricsToken: null,
      rpcUrls: [TEST_VARIABLES["SEQ_ETH_RPC_URL"]],
      validatorKek: null,
    },
  });
});

test("the development chain's timing is accepted", () => {
  const { timing } = accepted({
    SEQ_SECONDS_PER_BLOCK: "1",
    SEQ_BATCH_LINGER_SECONDS: "2",
    SEQ_MAX_BATCH_OPEN_SECONDS: "300",
    SEQ_SNAPSHOT_SECONDS: "1",
    SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "500",
    SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH: "0",
  });
  expect(timing).toMatchObject({ batchLingerMs: 2000, maxBatchOpenMs: 300_000, snapshotMs: 1000 });
});

describe("strings", () => {
  test("are trimmed, and blank means unset", () => {
    const { chainId, timing } = accepted({
      SEQ_CHAIN_ID: " 1\n",
      SEQ_BATCH_LINGER_SECONDS: "  ",
    });
    expect([chainId, timing.batchLingerMs]).toEqual([1, 600_000]);
  });

  test.each(REQUIRED)("%s is required", (variable) => {
    for (const value of [undefined, "", " ", null]) {
      expect(problemsWith(variable, { [variable]: value })).toEqual(["is required"]);
    }
  });

  test.each([
    ["SEQ_CHAIN_ID", 31_337],
    ["SEQ_SECONDS_PER_BLOCK", 2],
    ["SEQ_ALLOW_INSECURE_RPC", true],
    ["SEQ_OPERATOR_TOKEN", 123_456],
    ["SEQ_METRICS_TOKEN", 123_456],
    ["SEQ_FEE_RECIPIENT", { address: "0x" }],
    ["SEQ_ETH_RPC_URL", ["https://rpc.example"]],
  ])("%s as the JSON value %j is refused, and not its default", (variable, value) => {
    expect(problemsWith(variable, { [variable]: value })).toEqual(["must be a string"]);
  });

  test("of another program are none of ours", () => {
    expect(parse({ SEQUENCER: {}, OTHER: 1 }).ok).toBe(true);
  });

  test("[I8] without a token there is none", () => {
    expect(accepted({ SEQ_OPERATOR_TOKEN: " " }).secrets.operatorToken).toBeNull();
    expect(accepted({ SEQ_OPERATOR_TOKEN: " x " }).secrets.operatorToken).toBe("x");
    expect(accepted({ SEQ_METRICS_TOKEN: " " }).secrets.metricsToken).toBeNull();
    expect(accepted({ SEQ_METRICS_TOKEN: " x " }).secrets.metricsToken).toBe("x");
  });
});

describe("integers", () => {
  /** Variable, least, greatest in its own right, with the rest of a valid deployment. */
  const bounds: readonly [string, number, number | null, Vars][] = [
    ["SEQ_CHAIN_ID", 1, null, {}],
    ["SEQ_PREEMPTIVE_MARGIN_BLOCKS", 1, 1199, {}],
    ["SEQ_SECONDS_PER_BLOCK", 1, null, { SEQ_MAX_BATCH_OPEN_SECONDS: "600" }],
    ["SEQ_L1_READ_STALE_AFTER_BLOCKS", 1, 899, {}],
    ["SEQ_L1_READ_STALE_AFTER_BLOCKS", 1, 199, { SEQ_PREEMPTIVE_MARGIN_BLOCKS: "1000" }],
    ["SEQ_BATCH_LINGER_SECONDS", 0, 7200, {}],
    ["SEQ_BATCH_LINGER_SECONDS", 0, 900, { SEQ_MAX_BATCH_OPEN_SECONDS: "900" }],
    // [S6] (900 - 2 x 5 - 60) blocks of 12 s, then of 1 s, then with a larger margin.
    ["SEQ_MAX_BATCH_OPEN_SECONDS", 600, 9960, {}],
    ["SEQ_MAX_BATCH_OPEN_SECONDS", 600, 830, { SEQ_SECONDS_PER_BLOCK: "1" }],
    ["SEQ_MAX_BATCH_OPEN_SECONDS", 600, 1560, { SEQ_PREEMPTIVE_MARGIN_BLOCKS: "1000" }],
    ["SEQ_MAX_BATCH_OPEN_SECONDS", 1, null, { SEQ_BATCH_LINGER_SECONDS: "0" }],
    ["SEQ_SNAPSHOT_SECONDS", 1, null, {}],
    ["SEQ_RETENTION_DAYS", 0, null, {}],
    ["SEQ_RETENTION_BYTES", 1, 9 * 1024 ** 3 - 1, {}],
    ["SEQ_INTAKE_BYTES_MAX", 6 * 1024 ** 3 + 1, null, {}],
    ["SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS", 50, null, {}],
    ["SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH", 0, null, {}],
    ["SEQ_MAX_FEE_PER_GAS_GWEI", 1, 1_000_000, {}],
    ["SEQ_GATEWAYS", 0, 64, {}],
    ["SEQ_RELAY_SHARDS", 1, 64, {}],
  ];

  /** A relation reports on either of its sides, so both count. */
  function isRefused(variable: string, value: number, rest: Vars): boolean {
    const difference = { ...rest, [variable]: String(value) };
    const related =
      variable === "SEQ_RETENTION_BYTES"
        ? "SEQ_INTAKE_BYTES_MAX"
        : variable === "SEQ_MAX_BATCH_OPEN_SECONDS"
          ? "SEQ_BATCH_LINGER_SECONDS"
          : variable;
    return (
      problemsWith(variable, difference).length > 0 || problemsWith(related, difference).length > 0
    );
  }

  test.each(bounds)("%s from %i to %j, with %j", (variable, least, greatest, rest) => {
    expect(isRefused(variable, least, rest)).toBe(false);
    expect(isRefused(variable, least - 1, rest)).toBe(true);
    if (greatest === null) return;
    expect(isRefused(variable, greatest, rest)).toBe(false);
    expect(isRefused(variable, greatest + 1, rest)).toBe(true);
  });

  test.each([
    "SEQ_CHAIN_ID",
    "SEQ_PREEMPTIVE_MARGIN_BLOCKS",
    "SEQ_SECONDS_PER_BLOCK",
    "SEQ_L1_READ_STALE_AFTER_BLOCKS",
    "SEQ_BATCH_LINGER_SECONDS",
    "SEQ_MAX_BATCH_OPEN_SECONDS",
    "SEQ_SNAPSHOT_SECONDS",
    "SEQ_RETENTION_DAYS",
    "SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS",
    "SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH",
    "SEQ_MAX_FEE_PER_GAS_GWEI",
    "SEQ_GATEWAYS",
    "SEQ_RELAY_SHARDS",
  ])("%s takes nothing but digits, and no more than 15", (variable) => {
    const problem = "must be a decimal integer of at most 15 digits";
    for (const value of ["-1", "1.5", "1e3", "0x10", "12s", "1_000", "+1", "1".repeat(16)]) {
      expect(problemsWith(variable, { [variable]: value })).toContain(problem);
    }
  });

  test("a limit that no value can meet is refused, not wrapped", () => {
    const difference = { SEQ_PREEMPTIVE_MARGIN_BLOCKS: "1190" };
    expect(problemsWith("SEQ_MAX_BATCH_OPEN_SECONDS", difference)).toEqual([
      "must be at most 0 with this timing",
    ]);
  });

  test("SEQ_FLUSH_BUDGET_WEI is exact up to 30 digits", () => {
    const variable = "SEQ_FLUSH_BUDGET_WEI";
    expect(accepted({ [variable]: "9".repeat(30) }).flushBudgetWei).toBe(10n ** 30n - 1n);
    expect(accepted({ [variable]: "0" }).flushBudgetWei).toBe(0n);
    for (const value of ["9".repeat(31), "-1", "1.0", "1e18"]) {
      expect(problemsWith(variable, { [variable]: value })).not.toEqual([]);
    }
  });
});
