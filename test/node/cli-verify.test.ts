/** `baton verify` against a real L1 and a sequencer that tells the truth, or does not. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { replay } from "../../src/cli/replay.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { recoverAddress } from "../../src/core/wire/signature.ts";
import {
  type Claim,
  type ClaimingServer,
  send,
  startClaimingServer,
} from "../support/claiming-server.ts";
import { type RunOptions, runCommand } from "../support/command.ts";
import { genesisOf, startWalletChain, type WalletChain } from "../support/wallet-chain.ts";

const TOKEN = "an operator's token";

let chain: WalletChain;
let server: ClaimingServer;
/** The truth at two blocks, each with an accepted batch. */
let earlier: Claim;
let later: Claim;

beforeAll(async () => {
  chain = await startWalletChain();
  server = await startClaimingServer(chain);
  const deposited = await chain.deposit(chain.user.address, 1_000n);
  await chain.mine(3);
  const first = await chain.batch(0n, [chain.frame(deposited, 2)]);
  const second = await chain.batch(1n, [chain.frame(deposited, 1)]);
  await chain.mine(2);
  earlier = await truthAt(first);
  later = await truthAt(second);
});
beforeEach(() => {
  chain.proxy.fail(() => null);
  server.claim(earlier);
  server.answers.clear();
  server.requests.length = 0;
  for (const name of Object.keys(server.deployment)) delete server.deployment[name];
});
afterAll(async () => {
  await server.stop();
  await chain.stop();
});

async function truthAt(block: number): Promise<Claim> {
  const { target, l1 } = chain;
  const through = blockNumber(block);
  const options = { target, from: null, through, recover: recoverAddress };
  const replayed = await replay(l1, { ...options, state: genesisOf(chain) });
  if (!replayed.ok) return expect.unreachable(replayed.error.reason);
  const { state } = replayed.value;
  const { executedInputCount } = state.progress();
  return { inclusionBlock: block, executedInputCount, bytes: state.snapshot() };
}

const verify = (args: readonly string[] = [], options: RunOptions = {}) =>
  runCommand(["verify", server.url, "--rpc-url", chain.rpcUrl, "--json", ...args], options);

/** The bytes with one bit of the byte at `offset` turned. */
function altered({ bytes, ...claim }: Claim, offset: number): Claim {
  const other = bytes.slice();
  other[offset] = (other[offset] ?? 0) ^ 1;
  return { ...claim, bytes: other };
}

describe("[V4] baton verify", () => {
  test("says 0 when L1 gives the claimed state, and what it took on trust", async () => {
    const ran = await verify();
    expect(ran.exitCode).toBe(0);
    expect(ran.json()).toMatchObject({
      command: "verify",
      verdict: "agree",
      inclusion_block: earlier.inclusionBlock,
      compared_bytes: false,
      difference: null,
      l1: { executed_input_count: 3, next_batch_nonce: 1 },
    });
    expect(Object.keys(ran.json()["trusted"] ?? {})).toEqual([
      "app",
      "submitter",
      "application_config",
    ]);
    expect(server.requests.map(({ path }) => path)).toEqual([
      "/deployment",
      "/finalized_state/digest",
    ]);
  });

  test("compares the bytes of the same block with the token, also when the claim moves on", async () => {
    // The digest is of the earlier state, the bytes that follow it of the later one: asked again.
    server.claim(earlier, later);
    const ran = await verify(["--token", TOKEN]);
    expect(ran.exitCode).toBe(0);
    expect(ran.json()).toMatchObject({
      inclusion_block: later.inclusionBlock,
      compared_bytes: true,
    });
    const withToken = server.requests.filter(({ authorization }) => authorization !== undefined);
    expect(withToken.at(0)?.authorization).toBe(`Bearer ${TOKEN}`);
  });

  test("says 2 for another hash, and for another count of the same bytes", async () => {
    server.claim({ ...earlier, sha256: "ab".repeat(32) });
    expect((await verify()).exitCode).toBe(2);
    server.claim({ ...earlier, executedInputCount: 4 });
    const ran = await verify();
    expect([ran.exitCode, ran.json()["verdict"]]).toEqual([2, "diverged"]);
  });

  test.each([0, 84 + 20 + 31])("says 2 and the first byte that differs: %i", async (offset) => {
    server.claim(altered(earlier, offset));
    const ran = await verify(["--token", TOKEN]);
    expect(ran.exitCode).toBe(2);
    const [theirs, ours] = [altered(earlier, offset).bytes[offset], earlier.bytes[offset]];
    const hex = (byte = 0) => `0x${byte.toString(16).padStart(2, "0")}`;
    const difference = { offset, sequencer: hex(theirs), l1: hex(ours) };
    expect(ran.json()["difference"]).toEqual(difference);
  });

  test("says 2 for bytes that differ although their digest is right", async () => {
    const { bytes } = altered(earlier, 10);
    const sha256 = (await verify()).json()["l1"] as { sha256: string };
    server.claim({ ...earlier, bytes, sha256: sha256.sha256 });
    expect((await verify()).exitCode).toBe(0);
    expect((await verify(["--token", TOKEN])).json()).toMatchObject({ difference: { offset: 10 } });
    server.claim({ ...earlier, bytes: earlier.bytes.slice(0, -1), sha256: sha256.sha256 });
    const ran = await verify(["--token", TOKEN]);
    const offset = earlier.bytes.length - 1;
    expect(ran.json()).toMatchObject({ difference: { offset, sequencer: null } });
  });

  test("prints lines for people: the verdict comes last", async () => {
    const args = ["verify", server.url, "--rpc-url", chain.rpcUrl];
    const agreed = await runCommand(args);
    expect(agreed.stdout).toMatch(
      /^taken on trust [\s\S]*\nagree by hash at block [0-9]+: 3 executed/,
    );
    server.claim(altered(earlier, 7));
    const diverged = await runCommand([...args, "--token", TOKEN]);
    expect(diverged.stdout).toMatch(
      /\nDIVERGED at block [\s\S]*\n {2}first differing byte: offset 7,/,
    );
  });

  test("writes a state that agrees, and none that does not", async () => {
    const directory = mkdtempSync(join(tmpdir(), "baton-verify-"));
    await verify(["--save", "state"], { directory });
    expect(new Uint8Array(readFileSync(join(directory, "state")))).toEqual(earlier.bytes);
    server.claim(altered(earlier, 7));
    await verify(["--save", "other"], { directory });
    expect(() => readFileSync(join(directory, "other"))).toThrow();
    rmSync(directory, { recursive: true });
  });
});

describe("[V4] the deployment", () => {
  const flags = () => {
    const { target, config } = chain;
    return {
      "--chain-id": `${target.chainId}`,
      "--app": target.app,
      "--input-box": target.inputBox,
      "--input-box-block": `${target.inputBoxBlock}`,
      "--submitter": target.submitter,
      "--application-config": JSON.stringify(walletApplication.describeConfig(config)),
    };
  };

  test("is not asked for when the flags say it all, and nothing is taken on trust", async () => {
    const ran = await verify(Object.entries(flags()).flat());
    expect(ran.exitCode).toBe(0);
    expect(ran.json()["trusted"]).toEqual({});
    expect(server.requests.map(({ path }) => path)).toEqual(["/finalized_state/digest"]);
  });

  test("that a flag says is compared, and what is compared is not taken on trust", async () => {
    const ran = await verify(["--submitter", chain.target.submitter]);
    expect(ran.exitCode).toBe(0);
    expect(Object.keys(ran.json()["trusted"] ?? {})).toEqual(["app", "application_config"]);
    const other = await verify(["--submitter", chain.other]);
    expect(other.exitCode).toBe(1);
    expect(other.stderr).toBe("the sequencer says another submitter than was given\n");
  });

  test.each([
    ["chain_id", 1, "L1 is chain 31337, not 1"],
    ["input_box", `0x${"11".repeat(20)}`, "L1 shows InputBox "],
    ["input_box_block", 0, "L1 shows InputBox "],
    ["application", "another", "the sequencer does not run the application wallet"],
    ["application_config", {}, "/deployment has not the shape of a deployment"],
    ["submitter", "0x12", "/deployment has not the shape of a deployment"],
  ])("with another %s than L1 shows tells nothing: 1", async (name, value, says) => {
    server.deployment[name] = value;
    const ran = await verify();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(says);
    expect(ran.json()).toEqual({ command: "verify", error: ran.stderr.trimEnd() });
  });
});

describe("[V4] it could not be told: 1", () => {
  test("no finalized state, no sequencer, no L1, an L1 that is behind", async () => {
    server.claim();
    expect(await verify()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("404") });
    server.claim({ ...earlier, inclusionBlock: (await chain.head()) + 100 });
    expect((await verify()).stderr).toBe("L1: behind\n");
    const nobody = await runCommand(["verify", "http://127.0.0.1:9", "--rpc-url", chain.rpcUrl]);
    expect([nobody.exitCode, nobody.stdout]).toEqual([1, ""]);
    server.claim(earlier);
    chain.proxy.fail(() => ({ kind: "error", code: 3, message: "no" }));
    expect((await verify()).stderr).toBe("L1: reverted (code 3)\n");
  });

  test.each([
    ["a redirect", 302, ""],
    ["no JSON", 200, "<html>"],
    ["too much", 200, `"${"x".repeat(70_000)}"`],
    ["a digest of another shape", 200, '{"inclusion_block":-1,"sha256":""}'],
  ])("%s instead of a digest", async (_what, status, body) => {
    server.answers.set("/finalized_state/digest", (response) => {
      response.statusCode = status;
      response.setHeader("location", "/deployment");
      response.end(body);
    });
    const ran = await verify();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.length).toBeLessThan(200);
  });

  test("a token that is wrong", async () => {
    server.answers.set("/finalized_state", (response) => {
      send(response, 401, { ok: false, code: "UNAUTHORIZED", message: "operator token required" });
    });
    const ran = await verify(["--token", TOKEN]);
    expect([ran.exitCode, ran.stderr]).toEqual([1, "/finalized_state: 401, is the token right?\n"]);
  });
});

describe("no secret is said", () => {
  test("whatever goes wrong, neither URL of L1 nor token is printed", async () => {
    const secret = "a-key-of-a-provider";
    const faults = [
      { kind: "http", status: 500, body: secret },
      { kind: "error", code: 3, message: `${chain.rpcUrl}/${secret}` },
    ] as const;
    for (const fault of faults) {
      chain.proxy.fail(({ method }) => (method === "eth_chainId" ? fault : null));
      const ran = await runCommand(["verify", server.url, "--json"], {
        env: { SEQ_ETH_RPC_URL: `${chain.rpcUrl}/${secret}`, SEQ_OPERATOR_TOKEN: TOKEN },
      });
      expect(ran.exitCode).toBe(1);
      for (const said of [ran.stdout, ran.stderr]) {
        expect(said).not.toContain(secret);
        expect(said).not.toContain(chain.rpcUrl);
        expect(said).not.toContain(TOKEN);
      }
    }
  });

  test("a token is not sent over the open network", async () => {
    const ran = await runCommand(["verify", "http://sequencer.example", "--token", TOKEN]);
    expect([ran.exitCode, ran.stderr]).toEqual([
      1,
      "the operator's token is sent over https or to this machine only\n",
    ]);
  });
});
