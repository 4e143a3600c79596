/** The client against a real node and the real contracts: discovery, heads, counts, fees, transactions. */

import { concat, encodeAbiParameters, encodeFunctionData, type Hex, pad, parseAbi } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { escalateFees, estimateFees, type Fees } from "../../src/core/submission/fees.ts";
import { type Address, address } from "../../src/core/types/hex.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../../src/core/types/protocol.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { connectL1 } from "../../src/l1/client.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { artifact, create2Address, deployClient, deployCreate2 } from "../../src/local/deploy.ts";
import { poll } from "../../src/local/sequencer-client.ts";
import { DEPLOYER_KEY, type Devnet, SUBMITTER_KEY, startDevnet } from "../support/anvil.ts";

const GWEI = 1_000_000_000n;
const CAP_WEI = 500n * GWEI;
const nobody = address("0x00000000000000000000000000000000000000aa");
/** Owns nothing: the key is the number seven. */
const poor = createSubmitter(`0x${"7".padStart(64, "0")}`);
const submitter = createSubmitter(SUBMITTER_KEY);

let devnet: Devnet;
let l1: L1;

beforeAll(async () => {
  devnet = await startDevnet();
  l1 = connectL1({ url: devnet.url, timeoutMs: 5000, longRangeCodes: [] });
});
afterAll(() => devnet.stop());
afterEach(async () => {
  await devnet.rpc("evm_setAutomine", [true]);
});

function read<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** The application contract itself, with a data availability that its factory would take too. */
async function deployApplication(dataAvailability: Hex): Promise<Address> {
  const client = deployClient(devnet.url, { chainId: 31_337, deployerKey: DEPLOYER_KEY });
  const { authority } = devnet.rollups;
  const args = encodeAbiParameters(
    [{ type: "address" }, { type: "address" }, { type: "bytes32" }, { type: "bytes" }],
    [authority, client.account.address, pad("0x01", { size: 32 }), dataAvailability],
  );
  const code = concat([artifact("Application").code, args]);
  await deployCreate2(client, [code]);
  return create2Address(code);
}

describe("discover", () => {
  const availabilityAbi = parseAbi([
    "function InputBox(address inputBox)",
    "function InputBoxAndEspresso(address inputBox, uint256 fromBlock, uint32 namespaceId)",
  ]);
  const refused = { ok: false, error: { reason: "unsupported-contract" } };

  test("[L3] an application names its InputBox, and that its block", async () => {
    const { inputBox, inputBoxBlock, app } = devnet.rollups;
    expect(read(await l1.discover(app))).toEqual({ inputBox, inputBoxBlock });
  });

  test("[L3] an application that also reads Espresso is refused", async () => {
    const { inputBox } = devnet.rollups;
    const args = [inputBox, 0n, 1] as const;
    const app = await deployApplication(
      encodeFunctionData({ abi: availabilityAbi, functionName: "InputBoxAndEspresso", args }),
    );
    expect(await l1.discover(app)).toMatchObject(refused);
  });

  test("[L3] an application whose InputBox has no code is refused", async () => {
    const app = await deployApplication(
      encodeFunctionData({ abi: availabilityAbi, functionName: "InputBox", args: [nobody] }),
    );
    expect(await l1.discover(app)).toMatchObject(refused);
  });

  test("[L3] an address without code, and a contract that is no application, are refused", async () => {
    expect(await l1.discover(nobody)).toMatchObject(refused);
    expect(await l1.discover(devnet.rollups.inputBox)).toMatchObject(refused);
  });
});

describe("heads and counts", () => {
  test("[L1] the safe block trails the latest, and each number has its own block", async () => {
    await devnet.mine(3);
    const latest = read(await l1.block("latest"));
    const safe = read(await l1.block("safe"));
    expect(latest.number - safe.number).toBe(1);
    expect(read(await l1.block(safe.number))).toEqual(safe);
    expect(safe.hash).not.toBe(latest.hash);
    expect(latest.timestamp).toBeGreaterThanOrEqual(safe.timestamp);
  });

  test("[L1] the count of inputs is the count at that block", async () => {
    const { inputBox, app } = devnet.rollups;
    const before = read(await l1.block("latest")).number;
    const count = read(await l1.inputCount(inputBox, app, before));
    await land(Uint8Array.of(1));
    expect(read(await l1.inputCount(inputBox, app, before))).toBe(count);
    const after = read(await l1.block("latest")).number;
    expect(read(await l1.inputCount(inputBox, app, after))).toBe(count + 1);
  });

  test("[L2] the wallet nonce at latest, pending and a block of the past", async () => {
    const past = read(await l1.block("latest")).number;
    const nonce = read(await l1.transactionCount(submitter.address, past));
    await land(Uint8Array.of(2));
    await devnet.rpc("evm_setAutomine", [false]);
    await send(Uint8Array.of(3), await marketFees());
    const count = async (tag: "latest" | "pending" | "safe") =>
      read(await l1.transactionCount(submitter.address, tag)) - nonce;
    expect([await count("latest"), await count("pending"), await count("safe")]).toEqual([1, 2, 0]);
    expect(read(await l1.transactionCount(submitter.address, past))).toBe(nonce);
    await devnet.mine(1);
    expect(await count("latest")).toBe(2);
  });

  test("the balance is the account's", async () => {
    await devnet.rpc("anvil_setBalance", [nobody, "0x123456789abcdef0123"]);
    expect(read(await l1.balance(nobody))).toBe(0x123456789abcdef0123n);
  });
});

describe("fees and gas", () => {
  test("[L2] the history ends with the next block's base fee", async () => {
    const history = read(await l1.feeHistory());
    await devnet.mine(1);
    const next = (await devnet.rpc("eth_getBlockByNumber", ["latest", false])) as {
      readonly baseFeePerGas: string;
    };
    expect(history.baseFeeWei).toBe(BigInt(next.baseFeePerGas));
    expect(history.rewardsWei.length).toBeLessThanOrEqual(10);
    const { maxFeePerGasWei, maxPriorityFeePerGasWei } = estimateFees(history);
    expect(maxFeePerGasWei).toBe(2n * history.baseFeeWei + maxPriorityFeePerGasWei);
  });

  test.each([
    { bytes: INPUT_PAYLOAD_BYTES_MAX, ok: true },
    { bytes: INPUT_PAYLOAD_BYTES_MAX + 1, ok: false },
  ])("[L2] gas of a payload of $bytes bytes: $ok", async ({ bytes, ok }) => {
    const { inputBox, app } = devnet.rollups;
    const payload = new Uint8Array(bytes);
    const result = await l1.estimateGas(submitter.address, { inputBox, app, payload });
    if (ok) expect(read(result)).toBeGreaterThan(100_000n);
    else expect(result).toEqual({ ok: false, error: { reason: "reverted", code: 3 } });
  });

  test("[R2] a no-op costs the least that a transaction can", async () => {
    expect(read(await l1.estimateNoOpGas(submitter.address))).toBe(21_000n);
  });
});

describe("broadcast", () => {
  test("[L2] a batch lands, and its receipt names the block", async () => {
    await devnet.rpc("evm_setAutomine", [false]);
    const { hash } = await send(Uint8Array.of(4), await marketFees());
    expect(read(await l1.receiptBlock(hash))).toBeNull();
    await devnet.mine(1);
    const latest = read(await l1.block("latest")).number;
    expect(read(await l1.receiptBlock(hash))).toBe(latest);
    const { inputBox, app } = devnet.rollups;
    const query = { inputBox, app, from: latest, to: latest, sender: submitter.address };
    expect(read(await l1.inputs(query)).inputs).toMatchObject([
      { sender: submitter.address, payload: Uint8Array.of(4), transactionHash: hash },
    ]);
  });

  test("[R2] a no-op consumes its wallet nonce", async () => {
    const terms = await termsFor(submitter.address, await marketFees());
    const { raw, hash } = await submitter.signNoOp(31_337, terms);
    expect(read(await l1.broadcast(raw))).toBe(hash);
    // The node mines at once, but after it has answered.
    const consumed = await poll(
      async () =>
        read(await l1.transactionCount(submitter.address, "latest")) === terms.walletNonce + 1 ||
        null,
      { everyMs: 20, limitMs: 10_000 },
    );
    expect(consumed).toBe(true);
  });

  test("[L2] the same transaction again is already known", async () => {
    await devnet.rpc("evm_setAutomine", [false]);
    const { raw } = await send(Uint8Array.of(5), await marketFees());
    expect(await l1.broadcast(raw)).toMatchObject({ error: { reason: "already-known" } });
    await devnet.mine(1);
  });

  test("[L2] a used wallet nonce is too low", async () => {
    const first = await land(Uint8Array.of(6));
    expect(await l1.broadcast(first.raw)).toMatchObject({ error: { reason: "nonce-too-low" } });
  });

  test("[L2] a replacement at the same fees is underpriced, an escalated one lands instead", async () => {
    await devnet.rpc("evm_setAutomine", [false]);
    const fees = await marketFees();
    const terms = await termsFor(submitter.address, fees);
    const first = await sendAs(terms, Uint8Array.of(7));
    const same = await signAs(terms, Uint8Array.of(8));
    expect(await l1.broadcast(same.raw)).toMatchObject({ error: { reason: "underpriced" } });

    const raised = escalateFees(fees, fees, CAP_WEI);
    expect(raised.capped).toBe(false);
    const second = await sendAs({ ...terms, ...raised.fees }, Uint8Array.of(8));
    await devnet.mine(1);
    expect(read(await l1.receiptBlock(first.hash))).toBeNull();
    expect(read(await l1.receiptBlock(second.hash))).not.toBeNull();
  });

  test("[L2] an account that cannot pay has insufficient funds", async () => {
    const { raw } = await poor.signNoOp(31_337, await termsFor(poor.address, await marketFees()));
    expect(await l1.broadcast(raw)).toMatchObject({ error: { reason: "insufficient-funds" } });
  });

  test("a transaction of another chain is refused, without words", async () => {
    const terms = await termsFor(submitter.address, await marketFees());
    const { raw } = await submitter.signNoOp(1, terms);
    expect(await l1.broadcast(raw)).toMatchObject({ ok: false, error: { reason: "rpc-error" } });
  });
});

async function marketFees(): Promise<Fees> {
  return estimateFees(read(await l1.feeHistory()));
}

async function termsFor(from: Address, fees: Fees) {
  const walletNonce = read(await l1.transactionCount(from, "latest"));
  return { walletNonce, gas: 100_000n, ...fees };
}

type Terms = Awaited<ReturnType<typeof termsFor>>;

function signAs(terms: Terms, payload: Uint8Array) {
  const { inputBox, app } = devnet.rollups;
  return submitter.sign(31_337, { inputBox, app, payload, ...terms });
}

async function sendAs(terms: Terms, payload: Uint8Array) {
  const signed = await signAs(terms, payload);
  expect(read(await l1.broadcast(signed.raw))).toBe(signed.hash);
  return signed;
}

async function send(payload: Uint8Array, fees: Fees) {
  return sendAs(await termsFor(submitter.address, fees), payload);
}

/** With automine on: sent and mined. */
async function land(payload: Uint8Array) {
  const signed = await send(payload, await marketFees());
  await expect
    .poll(async () => read(await l1.receiptBlock(signed.hash)), { timeout: 10_000 })
    .not.toBeNull();
  return signed;
}

test("a block number beyond the chain is behind", async () => {
  expect(await l1.block(blockNumber(9_999_999))).toMatchObject({ error: { reason: "behind" } });
});
