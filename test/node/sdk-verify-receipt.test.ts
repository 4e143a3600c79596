/** The SDK's verification: from text and one pinned hash to what is proven, with no server. */

import { describe, expect, test } from "vitest";
import { encodeSignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import { formatReceipt } from "../../src/core/consensus/receipt-json.ts";
import type { SchemeId } from "../../src/core/consensus/types.ts";
import { proveReceipt } from "../../src/core/consensus/verify-receipt.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { schemes } from "../../src/crypto/schemes/registry.ts";
import { type Epochs, verifyEpochs, verifyReceipt } from "../../src/sdk/verify-receipt.ts";
import { sequencers, signHeader } from "../support/committee.ts";
import { example } from "../support/committee-example.ts";
import vectors from "../vectors/consensus.json" with { type: "json" };

const one = example();
const epochs: Epochs = {
  genesis: vectors.genesis.hash,
  records: [vectors.genesis.signed, vectors.successor.signed],
};
const ordered = JSON.stringify(vectors.receipts.ordered);
const certified = JSON.stringify(vectors.receipts.certified);

const refused = (about: string, problem: string) => ({ ok: false, error: { about, problem } });

describe("[C2] verifyReceipt", () => {
  test.each(["ordered", "certified", "rollback"] as const)("proves the pinned %s", async (name) => {
    const proof = await verifyReceipt(JSON.stringify(vectors.receipts[name]), epochs);
    expect(proof).toEqual(proveReceipt(one[name], one.chain, schemes));
    expect(proof.ok).toBe(true);
  });

  test.each<SchemeId>(["ed25519", "bls12381"])("under a committee of %s", async (scheme) => {
    const { first, genesis, successor, certified: receipt } = example(scheme);
    const records = [genesis, successor].map((record) => toHex(encodeSignedRecord(record)));
    const proof = await verifyReceipt(formatReceipt(receipt), { genesis: first.hash, records });
    expect(proof.ok && proof.value.certified?.signers).toEqual([0, 1, 3]);
  });

  test("takes a parsed receipt and verified epochs", async () => {
    const chain = await verifyEpochs(epochs);
    expect(chain).toEqual({ ok: true, value: one.chain });
    if (!chain.ok) return;
    expect((await verifyReceipt(one.certified, chain.value)).ok).toBe(true);
  });

  test("needs only the records up to the certificate's epoch", async () => {
    const [genesis] = epochs.records;
    const until = { ...epochs, records: [genesis ?? ""] };
    expect((await verifyReceipt(certified, until)).ok).toBe(true);
    const later = JSON.stringify(vectors.receipts.rollback);
    expect(await verifyReceipt(later, until)).toEqual(refused("receipt", "epoch"));
  });

  test("says what is wrong, and with what", async () => {
    expect(await verifyReceipt("{}", epochs)).toEqual(refused("text", "not a receipt"));
    const { header } = one.ordered.header;
    const forged = { ...one.ordered, header: signHeader(header, sequencers.two) };
    expect(await verifyReceipt(forged, epochs)).toEqual(refused("receipt", "signature"));
    const moved = { ...one.ordered, index: 0 };
    expect(await verifyReceipt(moved, epochs)).toEqual(refused("receipt", "path"));
    const [genesis, successor] = epochs.records;
    const judge = (change: object) => verifyReceipt(ordered, { ...epochs, ...change });
    expect(await judge({ genesis: vectors.successor.hash })).toEqual(refused("epochs", "genesis"));
    expect(await judge({ genesis: "0x12" })).toEqual(refused("epochs", "text"));
    expect(await judge({ records: [] })).toEqual(refused("epochs", "genesis"));
    expect(await judge({ records: [successor] })).toEqual(refused("epochs", "genesis"));
    expect(await judge({ records: [genesis, genesis] })).toEqual(refused("epochs", "link"));
    expect(await judge({ records: [genesis?.toUpperCase()] })).toEqual(refused("epochs", "text"));
    expect(await judge({ records: [`${genesis}00`] })).toEqual(refused("epochs", "length"));
    const flipped = `${genesis?.slice(0, -1)}${genesis?.endsWith("0") ? "1" : "0"}`;
    expect(await judge({ records: [flipped] })).toEqual(refused("epochs", "signature"));
  });

  test("gives the verdict of noble where the platform has no subtle crypto", async () => {
    const { subtle } = crypto;
    Object.defineProperty(crypto, "subtle", { value: undefined, configurable: true });
    try {
      expect((await verifyReceipt(certified, epochs)).ok).toBe(true);
      const { header } = one.ordered.header;
      const forged = { ...one.ordered, header: signHeader(header, sequencers.two) };
      expect(await verifyReceipt(forged, epochs)).toEqual(refused("receipt", "signature"));
    } finally {
      Object.defineProperty(crypto, "subtle", { value: subtle, configurable: true });
    }
  });

  test("asks nobody: nothing is fetched", async () => {
    const fetched: unknown[] = [];
    const { fetch } = globalThis;
    globalThis.fetch = (...args) => {
      fetched.push(args);
      return fetch(...args);
    };
    try {
      await verifyReceipt(certified, epochs);
    } finally {
      globalThis.fetch = fetch;
    }
    expect(fetched).toEqual([]);
  });
});
