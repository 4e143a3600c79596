/** The chain that the runner saves: what a restart after `kill -9` must find, on a real anvil. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { devAccounts } from "../../src/local/accounts.ts";
import { Anvil } from "../../src/local/anvil.ts";
import { sortStates } from "../../src/local/chain-file.ts";
import { genesisOf } from "../../src/local/devnet.ts";
import { LocalFailure } from "../../src/local/failure.ts";
import { Processes } from "../../src/local/processes.ts";

const SLOTS = 8;
/** Creates a contract that emits an empty log whenever it is called: PUSH0 PUSH0 LOG0 STOP. */
const LOGGER_CODE = "0x6004600a5f3960045ff35f5fa000";

let folder: string;
let processes: Processes;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "baton-chain-"));
  processes = new Processes(join(folder, "processes.json"));
});

afterEach(async () => {
  await processes.close();
  rmSync(folder, { recursive: true, force: true });
});

const chainFile = () => join(folder, "chain.json");
const open = (genesisTimeS: number | null, log?: (line: string) => void) =>
  Anvil.start({
    ...{ port: 0, slotsInEpoch: SLOTS, chainFile: chainFile(), genesisTimeS, processes },
    ...(log === undefined ? {} : { log }),
  });

describe("a saved chain", () => {
  test("survives kill -9 with its blocks, logs, receipts and recent states", async () => {
    const before = await open(null);
    const genesis = await genesisOf(before.rpc);
    const logger = await deployLogger(before);
    const hashes: string[] = [];
    for (let i = 0; i < 20; i++) hashes.push(await callLogger(before, logger));
    const facts = await inspect(before, logger, must(hashes[0], "a transaction was sent"));
    expect(facts.logs).toHaveLength(20);
    expect(facts.safeNonce).not.toBe(facts.nonce);
    await before.save();
    await callLogger(before, logger);
    await processes.kill(before.child);

    const after = await open(genesis.timeS);
    expect(await genesisOf(after.rpc)).toEqual(genesis);
    expect(await inspect(after, logger, must(hashes[0], "a transaction was sent"))).toEqual(facts);
  });

  test("keeps one genesis and every recent state over many restarts", async () => {
    let anvil = await open(null);
    const genesis = await genesisOf(anvil.rpc);
    await anvil.mine(40);
    for (let run = 0; run < 6; run++) {
      await anvil.save();
      await processes.kill(anvil.child);
      anvil = await open(genesis.timeS);
      const blocks: { header: { number: string } }[] = JSON.parse(
        readFileSync(chainFile(), "utf8"),
      ).blocks;
      expect(blocks.filter(({ header }) => Number(header.number) === 0)).toHaveLength(1);
      expect(await genesisOf(anvil.rpc)).toEqual(genesis);
      // anvil forgets a state with every new block; the safe one must never be among them, in short
      // runs that follow each other as in long ones.
      for (let i = 0; i < (run % 2 === 0 ? 3 : 40); i++) {
        await anvil.mine(1);
        expect(await nonceAt(anvil, "safe")).toBe("0x0");
      }
    }
  });

  test("goes on at the time of the clock", async () => {
    const before = await open(null);
    const { timeS } = await genesisOf(before.rpc);
    await before.mine(1);
    await before.save();
    await processes.kill(before.child);
    const after = await open(timeS);
    await after.mine(1);
    const block = await after.rpc<{ timestamp: string }>("eth_getBlockByNumber", ["latest", false]);
    expect(Math.abs(Number(block.timestamp) - Date.now() / 1000)).toBeLessThan(5);
  });

  test("is not touched by a save that did not end", async () => {
    const before = await open(null);
    const { timeS } = await genesisOf(before.rpc);
    await before.mine(3);
    await before.save();
    await processes.kill(before.child);
    writeFileSync(`${chainFile()}.new`, readFileSync(chainFile()).subarray(0, 100));
    const after = await open(timeS);
    expect(await after.rpc("eth_blockNumber")).toBe("0x3");
    await after.save();
    await after.stop(processes);
  });

  test("that cannot be written is told once, in a line, and saved when it can", async () => {
    const said: string[] = [];
    const anvil = await open(null, (line) => said.push(line));
    mkdirSync(`${chainFile()}.new`);
    await expect(anvil.save()).rejects.toBeInstanceOf(LocalFailure);
    anvil.startClock(50, true);
    await expect.poll(() => said, { timeout: 10_000 }).toHaveLength(1);
    const head = Number(await anvil.rpc("eth_blockNumber"));
    await expect
      .poll(async () => Number(await anvil.rpc("eth_blockNumber")), { timeout: 10_000 })
      .toBeGreaterThan(head + 2);
    expect(said).toEqual([expect.stringMatching(/^the chain could not be saved: [^\n]+$/)]);
    rmdirSync(`${chainFile()}.new`);
    await expect.poll(() => existsSync(chainFile()), { timeout: 10_000 }).toBe(true);
    await anvil.stop(processes);
  });

  test("is never torn between a block and its effects, whoever mines", async () => {
    const anvil = await open(null);
    const [from] = await anvil.rpc<string[]>("eth_accounts");
    const sender = must(from, "anvil has accounts");
    let isFlooding = true;
    const send = () => anvil.rpc("eth_sendTransaction", [{ from: sender, to: sender }]);
    const ours = (async () => {
      while (isFlooding) await Promise.all([send(), anvil.mine(1)]);
    })();
    for (let i = 0; i < 10; i++) {
      await anvil.save();
      expect(tornTransactions(sender)).toBe(0);
    }
    const theirs = (async () => {
      while (isFlooding) await anvil.rpc("evm_mine");
    })();
    for (let i = 0; i < 3; i++) {
      // Somebody else may leave no moment between two blocks: then the file stays as it was.
      await anvil.save().catch((error: unknown) => expect(error).toBeInstanceOf(LocalFailure));
      expect(tornTransactions(sender)).toBe(0);
    }
    isFlooding = false;
    await Promise.all([ours, theirs]);
  });
});

describe("the order of saved states", () => {
  const blocks = [20, 9, 16, 10, 11, 17, 21].map((number) => ({
    header: { number: `0x${number.toString(16)}`, parentHash: `0xhash${number - 1}` },
  }));
  const head = `{"block":{"number":123456789012345678901},"blocks":${JSON.stringify(blocks)}`;
  const states = (...numbers: number[]) =>
    JSON.stringify(numbers.map((number) => [`0xhash${number}`, { accounts: {} }]));

  test("is that of their blocks, and all other text stays", () => {
    const sorted = sortStates(`${head},"historical_states":${states(20, 9, 16, 10)}}`);
    expect(sorted).toBe(`${head},"historical_states":${states(9, 10, 16, 20)}}`);
  });

  test("ends with the newest block, which has no child", () => {
    const sorted = sortStates(`${head},"historical_states":${states(21, 20, 9)}}`);
    expect(sorted).toBe(`${head},"historical_states":${states(9, 20, 21)}}`);
  });

  test.each(["", "{", "{}", "[]", head])("a file that is damaged is said in a line: %s", (text) => {
    expect(() => sortStates(text)).toThrow(/^chain\.json is damaged: [^\n]+--fresh$/);
  });

  test.each([`${head}}`, `${head},"historical_states":null}`])("needs states: %s", (text) => {
    expect(sortStates(text)).toBe(text);
  });
});

/** Transactions of `sender` that the saved state has executed and the saved blocks do not hold. */
function tornTransactions(sender: string): number {
  const chain: {
    accounts: Record<string, { nonce: number }>;
    blocks: { transactions: unknown[] }[];
  } = JSON.parse(readFileSync(chainFile(), "utf8"));
  const mined = chain.blocks.reduce((sum, { transactions }) => sum + transactions.length, 0);
  return must(chain.accounts[sender], "the sender has an account").nonce - mined;
}

async function inspect(anvil: Anvil, logger: string, hash: string) {
  return {
    head: await anvil.rpc("eth_blockNumber"),
    safe: await anvil.rpc("eth_getBlockByNumber", ["safe", true]),
    logs: await anvil.rpc<unknown[]>("eth_getLogs", [{ address: logger, fromBlock: "0x0" }]),
    receipt: await anvil.rpc("eth_getTransactionReceipt", [hash]),
    nonce: await nonceAt(anvil, "latest"),
    safeNonce: await nonceAt(anvil, "safe"),
    codeThen: await anvil.rpc("eth_getCode", [logger, "0x2"]),
  };
}

function nonceAt(anvil: Anvil, block: string): Promise<string> {
  const user = must(devAccounts()[0], "there are accounts").address;
  return anvil.rpc<string>("eth_getTransactionCount", [user, block]);
}

async function deployLogger(anvil: Anvil): Promise<string> {
  const hash = await send(anvil, { data: LOGGER_CODE });
  const receipt = await anvil.rpc<{ contractAddress: string }>("eth_getTransactionReceipt", [hash]);
  return receipt.contractAddress;
}

function callLogger(anvil: Anvil, logger: string): Promise<string> {
  return send(anvil, { to: logger });
}

/** In a block of its own. */
async function send(anvil: Anvil, transaction: Readonly<Record<string, string>>): Promise<string> {
  const from = must(devAccounts()[0], "there are accounts").address;
  const hash = await anvil.rpc<string>("eth_sendTransaction", [
    { from, gas: "0x186a0", ...transaction },
  ]);
  await anvil.mine(1);
  return hash;
}
