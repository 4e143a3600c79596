/** The variables that the local runner gives to the Worker. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { devAccounts, USERS } from "../../src/local/accounts.ts";
import {
  checkVariables,
  NO_CHAIN,
  userVariables,
  workerVariables,
} from "../../src/local/variables.ts";
import { startAnvil } from "../support/anvil.ts";

const submitter = must(devAccounts()[USERS], "the account after the users");
const sources = { ...NO_CHAIN, submitterKey: submitter.privateKey, secondsPerBlock: 1 };
const KEY = "SEQ_BATCH_SUBMITTER_PRIVATE_KEY";

test("the accounts are those that anvil funds", async () => {
  const anvil = await startAnvil({ args: ["--accounts", "11"] });
  const funded = await anvil.rpc("eth_accounts");
  await anvil.stop();
  expect(devAccounts().map(({ address }) => address)).toEqual(funded);
  expect(submitter.address).toBe("0xbcd4042de499d14e55001ccbb24a551f3b954096");
});

describe("the devnet's variables", () => {
  test("are accepted, with dev account 10 as the submitter", () => {
    const variables = workerVariables({ ...sources, overrides: {} });
    expect(checkVariables(variables)).toBe(submitter.address);
    expect(variables).toMatchObject({
      SEQ_SECONDS_PER_BLOCK: "1",
      SEQ_BATCH_LINGER_SECONDS: "2",
      SEQ_MAX_BATCH_OPEN_SECONDS: "300",
      SEQ_SNAPSHOT_SECONDS: "1",
      SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "500",
      SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH: "0",
    });
  });

  test("give way to overrides, and all problems are told at once, without values", () => {
    const overrides = { SEQ_BATCH_LINGER_SECONDS: "soon", SEQ_RETENTION_DAYS: "x", [KEY]: "0x12" };
    const variables = workerVariables({ ...sources, overrides });
    expect(() => checkVariables(variables)).toThrow(
      /^SEQ_BATCH_SUBMITTER_PRIVATE_KEY invalid private key\nSEQ_BATCH_LINGER_SECONDS [^\n]+\nSEQ_RETENTION_DAYS [^\n]+$/,
    );
    expect(() => checkVariables(variables)).not.toThrow(/soon|0x12/);
  });

  test.each([
    { secondsPerBlock: 0.25, expected: "1" },
    { secondsPerBlock: 2.9, expected: "2" },
  ])(
    "[R6] take the lower estimate of $secondsPerBlock s a block",
    ({ secondsPerBlock, expected }) => {
      const variables = workerVariables({ ...sources, secondsPerBlock, overrides: {} });
      expect(variables["SEQ_SECONDS_PER_BLOCK"]).toBe(expected);
    },
  );
});

describe("the environment", () => {
  test("overrides what the chain does not decide", () => {
    const environment = {
      PATH: "/bin",
      SEQ_HTTP_ADDR: "127.0.0.1:1",
      SEQ_DATA_DIR: "x",
      SEQ_RETENTION_DAYS: " 3 ",
      SEQ_SNAPSHOT_SECONDS: " ",
      SEQ_ETH_RPC_URL: "https://elsewhere",
      SEQ_CHAIN_ID: "1",
    };
    expect(userVariables(environment)).toEqual({
      overrides: { SEQ_RETENTION_DAYS: "3" },
      ignored: ["SEQ_ETH_RPC_URL", "SEQ_CHAIN_ID"],
    });
  });

  test("names a key file, of which the first line counts", () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-key-"));
    const file = join(folder, "key");
    writeFileSync(file, ` ${submitter.privateKey} \nsecond line\n`);
    expect(userVariables({ [`${KEY}_FILE`]: file }).overrides).toEqual({
      [KEY]: submitter.privateKey,
    });
    expect(() => userVariables({ [`${KEY}_FILE`]: file, [KEY]: "0x" })).toThrow("not both");
    rmSync(folder, { recursive: true });
    expect(() => userVariables({ [`${KEY}_FILE`]: file })).toThrow("there is no such file");
    expect(() => userVariables({ [`${KEY}_FILE`]: tmpdir() })).toThrow("the file cannot be read");
  });
});
