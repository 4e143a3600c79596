/**
 * The rollup's machine as a script: it needs nothing but the language, and says what the fold says.
 *
 * The host is a context without globals of the platform, and without those of the language that differ
 * from host to host: whoever asks for the time or for randomness there throws.
 */

import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { beforeAll, describe, expect, test } from "vitest";
import { counter, encodeRaise, totalIn } from "../../examples/counter-app/counter.ts";
import { buildMachine } from "../../scripts/build-machine.ts";
import { encodeTransfer, encodeWithdrawal } from "../../src/apps/wallet/method.ts";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { Application } from "../../src/core/application/application.ts";
import { createMachine } from "../../src/core/scheduler/machine.ts";
import { type Address, fromHex, toHex, ZERO_ADDRESS } from "../../src/core/types/hex.ts";
import { encodeBatch, type WireUserOp } from "../../src/core/wire/batch.ts";
import { encodeEvmAdvance } from "../../src/core/wire/evm-advance.ts";
import { addressOfPublicKey } from "../../src/core/wire/signature.ts";
import { domainSeparator, userOpDigest } from "../../src/core/wire/user-op.ts";
import { BOB, CONFIG, depositPayload, PORTAL, TOKEN } from "../support/wallet.ts";

const CHAIN_ID = 31_337;
const KEY = new Uint8Array(32).fill(7);
const USER = addressOfPublicKey(secp256k1.getPublicKey(KEY, false));
const SUBMITTER = addressOfPublicKey(secp256k1.getPublicKey(new Uint8Array(32).fill(9), false));
const SEPARATOR = domainSeparator({ chainId: CHAIN_ID, verifyingContract: ZERO_ADDRESS });
/** They answer differently on two hosts. */
const POISON = `
  for (const name of ["Date", "Intl", "WeakRef", "FinalizationRegistry", "Atomics", "SharedArrayBuffer"]) {
    delete globalThis[name];
  }
  Math.random = () => { throw new Error("randomness"); };
  for (const type of [String, Number, Array, BigInt]) {
    type.prototype.toLocaleString = () => { throw new Error("locale"); };
  }
  String.prototype.localeCompare = () => { throw new Error("locale"); };
`;

type Host = { advance(input: string): string; inspect(query: string): string };

const scripts: Record<string, string> = {};

beforeAll(() => {
  const wallet = { file: "src/apps/wallet/wallet.ts", application: "walletApplication" };
  const counted = { file: "examples/counter-app/counter.ts", application: "counter" };
  for (const [name, source] of Object.entries({ wallet, counter: counted })) {
    scripts[name] = readFileSync(buildMachine(source), "utf8");
  }
});

function open(name: string, settings: object): Host {
  const host = createContext(Object.create(null), { codeGeneration: { strings: false } });
  runInContext(POISON, host);
  runInContext(scripts[name] ?? "", host);
  const call = `rollup.open(${JSON.stringify(JSON.stringify(settings))})`;
  return runInContext(call, host) as Host;
}

function op(nonce: number, data: Uint8Array): WireUserOp {
  const digest = userOpDigest(SEPARATOR, { nonce, maxFee: 200, data });
  const made = secp256k1.sign(digest, KEY, { prehash: false, format: "recovered" });
  return {
    nonce,
    maxFee: 200,
    data,
    signature: Uint8Array.of(...made.subarray(1), 27 + (made[0] ?? 0)),
  };
}

/** An input as InputBox stores it. */
function input(index: number, msgSender: Address, block: number, payload: Uint8Array): Uint8Array {
  return encodeEvmAdvance({
    ...{ chainId: BigInt(CHAIN_ID), appContract: ZERO_ADDRESS, msgSender, payload },
    ...{ blockNumber: BigInt(block), blockTimestamp: 1n, prevRandao: 2n, index: BigInt(index) },
  });
}

function batch(nonce: bigint, safeBlock: bigint, userOps: readonly WireUserOp[]): Uint8Array {
  return encodeBatch({ nonce, frames: [{ userOps, safeBlock, feePrice: 200 }] });
}

/** What the fold emits, in the script's words. */
function expected<Config>(application: Application<Config>, config: Config, inputs: Uint8Array[]) {
  const machine = createMachine({ application, config, submitter: SUBMITTER });
  const emitted = inputs.map((bytes) =>
    machine.advance(bytes).map((one) =>
      one.kind === "voucher"
        ? {
            ...one,
            value: toHex(fromHex(`0x${one.value.toString(16).padStart(64, "0")}`)),
            payload: toHex(one.payload),
          }
        : { ...one, payload: toHex(one.payload) },
    ),
  );
  return { emitted, state: machine.inspect(new Uint8Array())[0]?.payload ?? new Uint8Array() };
}

describe("[S2, X4] the machine's script", () => {
  test("the wallet emits what the fold emits, and ends in its state", () => {
    const inputs = [
      input(0, PORTAL, 5, depositPayload(TOKEN, USER, 250n)),
      input(
        1,
        SUBMITTER,
        6,
        batch(0n, 5n, [op(0, encodeTransfer(100n, BOB)), op(1, encodeWithdrawal(7n))]),
      ),
      input(2, SUBMITTER, 7, batch(0n, 5n, [])),
      input(3, SUBMITTER, 8, Uint8Array.of(0xff, 0xee, 0xdd)),
    ];
    const host = open("wallet", {
      submitter: SUBMITTER,
      application_config: walletApplication.describeConfig(CONFIG),
    });
    const { emitted, state } = expected(walletApplication, CONFIG, inputs);
    expect(inputs.map((bytes) => JSON.parse(host.advance(toHex(bytes))))).toEqual(emitted);
    expect(emitted.map((all) => all.map(({ kind }) => kind))).toEqual([
      [],
      ["notice", "notice", "voucher"],
      ["report"],
      ["report"],
    ]);
    expect(JSON.parse(host.inspect("0x"))).toEqual([{ kind: "report", payload: toHex(state) }]);
  });

  test("the counter too", () => {
    const inputs = [
      input(0, BOB, 5, encodeRaise(30)),
      input(1, SUBMITTER, 6, batch(0n, 5n, [op(0, encodeRaise(12))])),
    ];
    const host = open("counter", { submitter: SUBMITTER, application_config: {} });
    const { emitted, state } = expected(counter, {}, inputs);
    expect(inputs.map((bytes) => JSON.parse(host.advance(toHex(bytes))))).toEqual(emitted);
    expect(JSON.parse(host.inspect(toHex(new TextEncoder().encode("state"))))).toEqual([
      { kind: "report", payload: toHex(state) },
    ]);
    expect(totalIn(state)).toBe(42n);
  });

  test("answers another query with a report, and stops at what is no input", () => {
    const host = open("counter", { submitter: SUBMITTER, application_config: {} });
    const unsupported = toHex(new TextEncoder().encode("unsupported inspect query"));
    expect(JSON.parse(host.inspect("0x00"))).toEqual([{ kind: "report", payload: unsupported }]);
    expect(() => host.advance("0x00")).toThrow("the node hands on what InputBox stored");
  });

  test.each([
    { what: "no submitter", settings: { application_config: {} } },
    { what: "no configuration", settings: { submitter: SUBMITTER } },
  ])("does not open with $what", ({ settings }) => {
    expect(() => open("counter", settings)).toThrow();
  });

  test("does not open with a configuration that is not the application's", () => {
    const settings = { submitter: SUBMITTER, application_config: {} };
    expect(() => open("wallet", settings)).toThrow("the application knows its settings");
  });
});
