/**
 * How long does a client take to verify a receipt offline, by the platform's cryptography and by noble's?
 *
 * One process, one receipt at a time, from its text to its proof; the epoch records are verified before
 * and measured by themselves. Prints the median of each, in milliseconds.
 */

import { encodeSignedRecord } from "../src/core/consensus/epoch-chain.ts";
import { certifiedReceipt } from "../src/core/consensus/receipt.ts";
import { formatReceipt, parseReceipt } from "../src/core/consensus/receipt-json.ts";
import type { SchemeId } from "../src/core/consensus/types.ts";
import { proveReceipt } from "../src/core/consensus/verify-receipt.ts";
import { toHex } from "../src/core/types/hex.ts";
import { schemes } from "../src/crypto/schemes/registry.ts";
import { verifyEpochs, verifyReceipt } from "../src/sdk/verify-receipt.ts";
import { type Chunk, certify, chunkAfter, opAt, receiptOf } from "../test/support/committee.ts";
import { example } from "../test/support/committee-example.ts";

const WARM_UP_RUNS = 10;
const RUNS = 40;
/** Headers between an op's and the certified one when rounds are slow. */
const LINKED = 50;

for (const scheme of ["p256", "ed25519", "bls12381"] as const) {
  console.table(await measureScheme(scheme));
}

async function measureScheme(scheme: SchemeId): Promise<Readonly<Record<string, object>>> {
  const { chain, first, genesis, successor, ordered, certified, chunks, validators } =
    example(scheme);
  const log: Chunk[] = [chunks[0]];
  for (let i = 0; i < LINKED; i++) log.push(chunkAfter(log.at(-1) ?? null, [opAt(4 + i)]));
  const last = log.at(-1) ?? chunks[0];
  const headers = log.slice(1).map(({ header }) => header.header);
  const certificate = certify(first, validators.slice(1), last.ref);
  const far = certifiedReceipt(receiptOf(chunks[0], 1), headers, certificate);
  const records = [genesis, successor].map((record) => toHex(encodeSignedRecord(record)));
  const rows: Record<string, object> = {};
  const receipts = { ordered, certified, [`certified, ${LINKED} headers on`]: far };
  for (const [name, receipt] of Object.entries(receipts)) {
    const text = formatReceipt(receipt);
    rows[`${scheme} ${name}`] = {
      bytes: text.length,
      platform: await medianMs(async () => (await verifyReceipt(text, chain)).ok),
      noble: await medianMs(() => {
        const parsed = parseReceipt(text);
        return parsed.ok && proveReceipt(parsed.value, chain, schemes).ok;
      }),
    };
  }
  rows[`${scheme} two epoch records`] = {
    bytes: records.join("").length,
    platform: await medianMs(async () => (await verifyEpochs({ genesis: first.hash, records })).ok),
  };
  return rows;
}

/** Of `RUNS` runs, each of which must succeed, rounded to microseconds. */
async function medianMs(run: () => boolean | Promise<boolean>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP_RUNS + RUNS; i++) {
    const start = performance.now();
    if (!(await run())) throw new Error("the receipt holds");
    if (i >= WARM_UP_RUNS) times.push(performance.now() - start);
  }
  const sorted = times.sort((a, b) => a - b);
  return Math.round((sorted[RUNS / 2] ?? 0) * 1000) / 1000;
}
