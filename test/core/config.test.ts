/** Decisions section 9: every variable, its default, and its bound from both sides. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type WalletConfig, walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { ConfigProblem } from "../../src/core/application/application.ts";
import { type Config, parseConfig, type Vars } from "../../src/core/config/config.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { size } from "../support/size.ts";
import { OPERATOR_TOKEN, SUBMITTER_KEY, TEST_VARIABLES } from "../support/variables.ts";

const SUBMITTER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const REQUIRED = [
  "SEQ_ETH_RPC_URL",
  "SEQ_CHAIN_ID",
  "SEQ_APP_ADDRESS",
  "SEQ_BATCH_SUBMITTER_PRIVATE_KEY",
];

function parse(difference: Vars = {}) {
  return parseConfig({ ...TEST_VARIABLES, ...difference }, walletApplication, addressOfPrivateKey);
}

function accepted(difference: Vars = {}): Config<WalletConfig> {
  const parsed = parse(difference);
  return parsed.ok ? parsed.value : expect.fail(JSON.stringify(parsed.error));
}

/** What is wrong with `variable`, whatever else the difference breaks. */
function problemsWith(variable: string, difference: Vars): readonly string[] {
  const parsed = parse(difference);
  if (parsed.ok) return [];
  return parsed.error.filter((one) => one.variable === variable).map((one) => one.problem);
}

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
    secrets: {
      submitterKey: SUBMITTER_KEY,
      operatorToken: OPERATOR_TOKEN,
      rpcUrls: [TEST_VARIABLES["SEQ_ETH_RPC_URL"]],
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
    for (const value of [undefined, "", " ", 1, null]) {
      expect(problemsWith(variable, { [variable]: value })).toEqual(["is required"]);
    }
  });

  test("[I8] without a token there is none", () => {
    expect(accepted({ SEQ_OPERATOR_TOKEN: " " }).secrets.operatorToken).toBeNull();
    expect(accepted({ SEQ_OPERATOR_TOKEN: " x " }).secrets.operatorToken).toBe("x");
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
    ["SEQ_MAX_FEE_PER_GAS_GWEI", 1, null, {}],
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

describe("SEQ_ETH_RPC_URL", () => {
  const variable = "SEQ_ETH_RPC_URL";

  test.each([
    "https://rpc.example/v1/key",
    "HTTPS://rpc.example",
    "https://rpc.example:8443?key=1",
    "http://127.0.0.1:8545",
    "http://127.9.9.9",
    "http://localhost:8545/",
    "http://[::1]:8545",
  ])("%s", (url) => expect(accepted({ [variable]: url }).secrets.rpcUrls).toEqual([url]));

  test.each([
    "http://rpc.example",
    "http://10.0.0.1:8545",
    "http://127.0.0.1.example",
    "http://localhost.example:8545",
    "ws://127.0.0.1:8545",
    "ftp://127.0.0.1",
    "rpc.example",
    "https://",
    "https://user:password@rpc.example",
    "http://localhost@rpc.example",
    "http://localhost:80@rpc.example/",
    "http://localhost\\@rpc.example",
    "https://rpc.example:port",
  ])("%s is refused", (url) => {
    expect(problemsWith(variable, { [variable]: url })).not.toEqual([]);
  });

  test("a list is trimmed, and each entry is checked", () => {
    const list = " https://a.example , https://b.example ";
    expect(accepted({ [variable]: list }).secrets.rpcUrls).toEqual([
      "https://a.example",
      "https://b.example",
    ]);
    expect(problemsWith(variable, { [variable]: "https://a.example,http://b.example" })).toEqual([
      "remote RPC must use https",
    ]);
    expect(problemsWith(variable, { [variable]: "https://a.example,," })).toHaveLength(2);
  });

  test.each([
    ["true", true],
    ["1", true],
    ["false", false],
    ["0", false],
    ["yes", false],
    ["", false],
  ])("SEQ_ALLOW_INSECURE_RPC=%s allows remote http: %j", (value, allows) => {
    const problems = problemsWith(variable, {
      [variable]: "http://rpc.example",
      SEQ_ALLOW_INSECURE_RPC: value,
    });
    expect(problems.length === 0).toBe(allows);
  });
});

describe("addresses and keys", () => {
  test("an address has any letter case and is kept in lower case", () => {
    const mixed = "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    expect(accepted({ SEQ_APP_ADDRESS: mixed }).app).toBe(mixed.toLowerCase());
  });

  test.each([
    "SEQ_APP_ADDRESS",
    "SEQ_ERC20_PORTAL_ADDRESS",
    "SEQ_ERC20_TOKEN_ADDRESS",
    "SEQ_FEE_RECIPIENT",
  ])("%s is 0x and 40 hex digits", (variable) => {
    const valid = `0x${"aB".repeat(20)}`;
    expect(problemsWith(variable, { [variable]: valid })).toEqual([]);
    for (const value of [
      "0x",
      valid.slice(2),
      `${valid}0`,
      valid.slice(0, -1),
      `0X${valid.slice(2)}`,
    ]) {
      expect(problemsWith(variable, { [variable]: value })).toHaveLength(1);
    }
  });

  test.each([
    ["0x12", false],
    [SUBMITTER_KEY.slice(2), false],
    [`0x${"00".repeat(32)}`, false],
    [`0x${"00".repeat(31)}01`, true],
    ["0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", true],
    ["0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", false],
  ])("private key %s is a scalar of the curve: %j", (key, isKey) => {
    const variable = "SEQ_BATCH_SUBMITTER_PRIVATE_KEY";
    const expected = isKey ? [] : ["invalid private key"];
    expect(problemsWith(variable, { [variable]: key })).toEqual(expected);
  });
});

describe("SEQ_LONG_BLOCK_RANGE_ERROR_CODES", () => {
  const variable = "SEQ_LONG_BLOCK_RANGE_ERROR_CODES";

  test("is a list of integers of either sign", () => {
    expect(accepted({ [variable]: " -32005 , 429 " }).longRangeCodes).toEqual([-32_005, 429]);
  });

  test.each(["-32005,", ",", "x", "1.5", "-", "- 1", "1".repeat(10)])("%j is refused", (value) => {
    expect(problemsWith(variable, { [variable]: value })).toHaveLength(1);
  });
});

describe("problems", () => {
  const wrong = {
    SEQ_ETH_RPC_URL: "http://user:hunter2@rpc.example/secret-path",
    SEQ_CHAIN_ID: "main-secret",
    SEQ_APP_ADDRESS: "0xsecret",
    SEQ_BATCH_SUBMITTER_PRIVATE_KEY: "0xsecret-key",
    SEQ_OPERATOR_TOKEN: "secret-token",
    SEQ_ERC20_PORTAL_ADDRESS: "secret-portal",
    SEQ_ERC20_TOKEN_ADDRESS: "secret-erc20",
    SEQ_FEE_RECIPIENT: "secret-recipient",
    SEQ_PREEMPTIVE_MARGIN_BLOCKS: "secret-margin",
    SEQ_SECONDS_PER_BLOCK: "secret-seconds",
    SEQ_L1_READ_STALE_AFTER_BLOCKS: "secret-stale",
    SEQ_BATCH_LINGER_SECONDS: "secret-linger",
    SEQ_MAX_BATCH_OPEN_SECONDS: "secret-open",
    SEQ_SNAPSHOT_SECONDS: "secret-snapshot",
    SEQ_RETENTION_DAYS: "secret-days",
    SEQ_LONG_BLOCK_RANGE_ERROR_CODES: "secret-codes",
    SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "secret-poll",
    SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH: "secret-depth",
    SEQ_MAX_FEE_PER_GAS_GWEI: "secret-gwei",
    SEQ_FLUSH_BUDGET_WEI: "secret-wei",
  };

  test("come all at once, also those of the application", () => {
    const parsed = parse(wrong);
    const named = new Set(parsed.ok ? [] : parsed.error.map(({ variable }) => variable));
    // Any text is a token.
    expect([...named].sort()).toEqual(
      Object.keys(wrong)
        .filter((variable) => variable !== "SEQ_OPERATOR_TOKEN")
        .sort(),
    );
  });

  function textOf(problems: readonly ConfigProblem[]): string {
    return problems.map(({ variable, problem }) => `${variable}: ${problem}`).join("\n");
  }

  test("repeat no value", () => {
    const parsed = parse(wrong);
    const text = parsed.ok ? "" : textOf(parsed.error);
    expect(text).not.toMatch(/secret|hunter2|rpc\.example/);
    expect(text).not.toBe("");
  });

  test("whatever the values, parsing answers and the texts are our own", () => {
    const vars = fc.record(
      Object.fromEntries(Object.keys(wrong).map((name) => [name, fc.string({ unit: "binary" })])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(vars, (difference) => {
        const parsed = parse(difference);
        if (parsed.ok) return;
        const allowed = /^[A-Z_0-9a-z ,.():-]+$/;
        for (const { variable, problem } of parsed.error) {
          expect(Object.keys(wrong)).toContain(variable);
          expect(problem).toMatch(allowed);
        }
      }),
      { numRuns: size(200, 10_000) },
    );
  });
});
