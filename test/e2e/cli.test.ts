/** `baton` against the product: money in, an op from its promise to L1, its receipt, and leadership moved. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/inputs.ts";
import { runCommand } from "../support/command.ts";
import { startCommittee } from "../support/committee-product.ts";
import { account, type Product } from "../support/product.ts";

type Said = Readonly<Record<string, unknown>>;
type CheckSaid = { readonly name: string; readonly verdict: string };

let product: Product;
let directory: string;

beforeAll(async () => {
  product = await startCommittee({ candidates: 2 });
  directory = mkdtempSync(join(tmpdir(), "baton-cli-"));
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await product.stop();
});

/** With the sequencer's URL in the environment; `--json` for those that answer with one object. */
async function baton(...args: readonly string[]) {
  const { url, operatorToken } = product.stack;
  const env = { BATON_URL: url, SEQ_OPERATOR_TOKEN: operatorToken };
  const ran = await runCommand(args, { env, directory });
  expect(ran.stdout + ran.stderr).not.toContain(operatorToken);
  return ran;
}

async function json(exitCode: number, ...args: readonly string[]): Promise<Said> {
  const ran = await baton(...args, "--json");
  expect([ran.exitCode, ran.stderr]).toEqual([exitCode, ""]);
  return ran.json();
}

const to = () => account(product, 2).address;

describe("an op", () => {
  test("is paid for by a deposit, which the order shows", async () => {
    const before = await json(0, "status");
    const rpc = ["--rpc-url", `http://127.0.0.1:9,${product.stack.rpcUrl}`];
    const said = await json(0, "deposit", "--account", "1", "--amount", "5000", "--mint", ...rpc);
    expect(said).toMatchObject({ amount: "5000", offset: expect.any(Number) });
    const lines = (await baton("follow", "--from", "0", "--once", "--json")).stdout.split("\n");
    const records = lines.filter((line) => line !== "").map((line): Said => JSON.parse(line));
    const record = records.find(({ offset }) => offset === said["offset"]);
    expect(record).toMatchObject({ kind: "direct_input", transaction_hash: said["tx_hash"] });
    expect(before["health"]).toMatchObject({ mode: "serving" });
  });

  test("[C2] is followed to L1, and its receipt verifies", async () => {
    const words = ["--account", "1", "--to", to(), "--amount", "1", "--receipt", "receipt"];
    const said = await json(0, "send", ...words, "--wait", "settled");
    expect(said).toMatchObject({ nonce: 0, state: "settled", receipt: { tier: "certified" } });
    const { ordered, certified, posted, settled } = Object(said["ms"]);
    expect(ordered <= certified && certified <= posted && posted <= settled).toBe(true);
    const proof = await json(0, "verify-receipt", "receipt");
    expect(proof).toMatchObject({ verdict: "proven", tier: "certified" });
    const file = JSON.parse(readFileSync(join(directory, "receipt"), "utf8"));
    expect(file).toEqual(said["receipt"]);
  });

  test("that is refused says why, with the sequencer's code", async () => {
    const ran = await baton("send", "--account", "1", "--data", "0x00", "--nonce", "0");
    expect([ran.exitCode, ran.stdout]).toEqual([1, ""]);
    expect(ran.stderr).toMatch(/^EXECUTION_REJECTED: bad nonce: expected [0-9]+, got 0\n$/);
  });

  test("after op is measured, and all are on the feed", async () => {
    const said = await json(0, "bench", "--account", "3", "--workers", "3", "--ops", "30");
    expect(said).toMatchObject({ accepted: 30, rejected: 0, certified_ms: expect.anything() });
  });

  test("[V4] stands in a state that follows from L1", async () => {
    const said = await json(0, "verify", "--rpc-url", product.stack.rpcUrl);
    expect(said).toMatchObject({ verdict: "agree", compared_bytes: true });
  });
});

describe("an operator", () => {
  test("sees that all is well, by every check", async () => {
    const said = await json(0, "doctor", "--rpc-url", product.stack.rpcUrl);
    const checks = said["checks"] as readonly CheckSaid[];
    const skipped = checks.filter(({ verdict }) => verdict === "skip").map(({ name }) => name);
    expect(checks.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect(skipped.filter((name) => name !== "cron")).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["clock", "token", "L1 lag", "epochs", "receipt", "feed"]),
    );
  });

  test("sees the submitter's wallet nonces, and cannot take them from a sequencer that lives", async () => {
    const { rpcUrl, url } = product.stack;
    const shown = await baton("flush", "--rpc-url", rpcUrl, "--json");
    expect([0, 2]).toContain(shown.exitCode);
    expect(shown.json()).toMatchObject({ pending: expect.any(Number), recovery: null });
    const env = {
      SEQ_ETH_RPC_URL: rpcUrl,
      SEQ_CHAIN_ID: `${product.stack.chainId}`,
      SEQ_APP_ADDRESS: product.stack.app,
      SEQ_BATCH_SUBMITTER_PRIVATE_KEY: `0x${"11".repeat(32)}`,
    };
    const refused = await runCommand(["flush", url, "--execute"], { env });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/^the sequencer lives, /);
    expect((await runCommand(["flush", "--execute"], { env })).stderr).toBe(
      "name the sequencer, or say --gone\n",
    );
  });

  test("[C6] moves leadership there and back, and the same URL serves", async () => {
    for (const [from, next] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const said = await json(0, "transfer", "--to", next);
      expect(said).toMatchObject({ from, to: next, done: true, leader: next });
      const sent = ["send", "--account", "4", "--to", to(), "--amount", "1"];
      await json(0, ...sent, "--wait", "certified");
      expect(await json(0, "conductor", "members")).toMatchObject({ leader: next });
    }
    const again = await baton("transfer", "--to", "a");
    expect([again.exitCode, again.stderr]).toEqual([1, "it leads already\n"]);
    const nobody = await baton("transfer", "--to", "z");
    expect(nobody.stderr).toBe("there is no such candidate: a, b\n");
  });

  test("[C6] pauses, is told by every command that it does not serve, and resumes", async () => {
    expect((await baton("conductor", "pause")).stdout).toBe("done: pause\n");
    await json(2, "conductor", "status");
    const status = await json(2, "status");
    expect(status["health"]).toMatchObject({ mode: "draining" });
    expect((await json(2, "doctor"))["is_well"]).toBe(false);
    await json(0, "conductor", "resume");
    expect(await json(0, "conductor", "status")).toMatchObject({ is_active: true, leader: "a" });
  });

  test("with a wrong token is refused", async () => {
    const ran = await runCommand(["conductor", "pause", product.stack.url, "--token", "wrong"]);
    expect([ran.exitCode, ran.stderr]).toEqual([
      1,
      '/operator/rpc: 401 UNAUTHORIZED "operator token required"\n',
    ]);
  });
});

test("baton dev runs a stack until Ctrl-C, and says in JSON where it is", async () => {
  const words = ["src/cli/main.ts", "dev", "--json", "--address", "127.0.0.1:0"];
  const child = spawn(process.execPath, [...words, "--data-dir", join(directory, "dev")], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { url }: { url: string } = JSON.parse(String(line));
  expect((await runCommand(["status", url])).exitCode).toBe(0);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
});
