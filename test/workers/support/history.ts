/** What a test does to a rig: L1 as the reader leaves it in the database, and ops of wallet users. */

import { encodeTransfer } from "../../../src/apps/wallet/method.ts";
import { walletApplication } from "../../../src/apps/wallet/wallet.ts";
import type { SignedUserOp } from "../../../src/core/api/sequencer-api.ts";
import { type Address, address, fromHex, hash32 } from "../../../src/core/types/hex.ts";
import { batchNonce, blockNumber } from "../../../src/core/types/units.ts";
import { encodeBatch } from "../../../src/core/wire/batch.ts";
import { insertAcceptance } from "../../../src/durable-objects/sequencer/storage/acceptance.ts";
import {
  insertIdentity,
  loadIdentity,
} from "../../../src/durable-objects/sequencer/storage/identity.ts";
import { loadWireBatch } from "../../../src/durable-objects/sequencer/storage/inclusion.ts";
import {
  countSafeInputs,
  insertSafeInput,
  storeSafeHead,
} from "../../../src/durable-objects/sequencer/storage/l1-inputs.ts";
import type { Rig } from "./rig.ts";

const PORTAL = "0xaca6586a0cf05bd831f2501e7b4aea550da6562d";
const TOKEN = "0x95d0c8a7d11342299807a2fc19ac44c2321ccc68";
export const GENESIS_BLOCK = 100;

export const user = (i: number): Address =>
  address(`0x${(0xa0 + i).toString(16).padStart(40, "0")}`);

/** The deployment as the reader pins it, and the first safe head; then genesis. */
export function found(rig: Rig, block: number = GENESIS_BLOCK): void {
  if (loadIdentity(rig.sql) === null) pin(rig);
  observe(rig, block);
  rig.lane.genesis(blockNumber(block), new Uint8Array(16).fill(7));
}

export function pin(rig: Rig): void {
  const { config, application } = rig.runtime;
  insertIdentity(rig.sql, {
    chainId: config.chainId,
    app: config.app,
    inputBox: address(`0x${"1b".repeat(20)}`),
    inputBoxBlock: blockNumber(1),
    submitter: config.submitter,
    application: application.name,
    applicationConfig: JSON.stringify(walletApplication.describeConfig(config.appConfig as never)),
  });
}

/** The safe head moves to `block`, at the rig's time. */
export function observe(rig: Rig, block: number): void {
  const hash = hash32(`0x${block.toString(16).padStart(64, "0")}`);
  const timestamp = Math.floor(rig.nowMs / 1000);
  storeSafeHead(rig.sql, { number: blockNumber(block), hash, timestamp }, rig.runtime.now());
}

export function addInput(rig: Rig, sender: Address, payload: Uint8Array, block: number): number {
  const index = countSafeInputs(rig.sql);
  const input = {
    index,
    sender,
    payload,
    blockNumber: blockNumber(block),
    blockTimestamp: 1_000 + block,
    transactionHash: hash32(`0x${(index + 1).toString(16).padStart(64, "0")}`),
  };
  insertSafeInput(rig.sql, input, payload);
  return index;
}

/** What the portal tells the application of a deposit. */
export function depositPayload(account: Address, amount: bigint): Uint8Array {
  const value = amount.toString(16).padStart(64, "0");
  return fromHex(`${TOKEN}${account.slice(2)}${value}`);
}

export function deposit(rig: Rig, account: Address, amount: bigint, block: number): void {
  addInput(rig, address(PORTAL), depositPayload(account, amount), block);
}

/** A founded rig whose first `users` accounts can pay for many ops. */
export function foundWithUsers(rig: Rig, users: number): void {
  for (let i = 0; i < users; i++) deposit(rig, user(i), 10n ** 15n, GENESIS_BLOCK);
  found(rig);
}

export function transfer(from: number, nonce: number, amount: bigint = 5n): SignedUserOp {
  return {
    sender: user(from),
    nonce,
    maxFee: 2_000,
    data: encodeTransfer(amount, user(from + 1)),
    signature: new Uint8Array(65).fill(from + 1),
  };
}

/** Ops of one sender, submitted in one go; the answers in order. */
export async function submitMany(rig: Rig, from: number, firstNonce: number, count: number) {
  const outcomes = Array.from({ length: count }, (_, i) =>
    rig.lane.submit(transfer(from, firstNonce + i)),
  );
  return await Promise.all(outcomes);
}

/** L1 accepted the sealed batch of this nonce, in `block`: what the reader writes then. */
export function land(rig: Rig, nonce: number, block: number): void {
  const { batch_index: batchIndex } = rig.sql
    .exec<{ batch_index: number }>(
      "SELECT batch_index FROM valid_closed_batches WHERE nonce = ?",
      nonce,
    )
    .one();
  const payload = encodeBatch(loadWireBatch(rig.sql, batchIndex));
  const inputIndex = addInput(rig, rig.runtime.config.submitter, payload, block);
  rig.sql.exec("UPDATE safe_inputs SET payload = NULL WHERE safe_input_index = ?", inputIndex);
  const { safe_block: first } = rig.sql
    .exec<{ safe_block: number }>(
      "SELECT safe_block FROM frames WHERE batch_index = ? AND frame_in_batch = 0",
      batchIndex,
    )
    .one();
  insertAcceptance(rig.sql, {
    inputIndex,
    nonce: batchNonce(nonce),
    batchIndex,
    firstFrameSafeBlock: blockNumber(first),
    inclusionBlock: blockNumber(block),
  });
}

/** Closes the open batch by its age. */
export function closeBatch(rig: Rig): void {
  rig.nowMs += rig.runtime.config.timing.maxBatchOpenMs;
  rig.lane.advance();
}

export function count(rig: Rig, table: string): number {
  return rig.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n;
}
