/** Decisions section 9: URLs, addresses, keys and codes, and how problems are reported. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ConfigProblem } from "../../src/core/application/application.ts";
import { accepted, parse, problemsWith } from "../support/config.ts";
import { size } from "../support/size.ts";
import { SUBMITTER_KEY } from "../support/variables.ts";

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
    SEQ_METRICS_TOKEN: "secret-metrics-token",
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
    SEQ_GATEWAYS: "secret-gateways",
    SEQ_RELAYS: "secret-relays",
    SEQ_RELAY_SHARDS: "secret-shards",
  };

  test("come all at once, also those of the application", () => {
    const parsed = parse(wrong);
    const named = new Set(parsed.ok ? [] : parsed.error.map(({ variable }) => variable));
    // Any text is a token.
    expect([...named].sort()).toEqual(
      Object.keys(wrong)
        .filter((variable) => !variable.endsWith("_TOKEN"))
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
