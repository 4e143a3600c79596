/**
 * The verdict on a run that settled: what L1 executes is what was promised, byte for byte.
 *
 * The judge is the canonical fold over L1's own inputs; it shares with the object only the pure core.
 */

import { createHash } from "node:crypto";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { ApplicationState } from "../../src/core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../../src/core/application/execute.ts";
import { type FeedRecord, formatRecord } from "../../src/core/feed/record.ts";
import type { Executed } from "../../src/core/scheduler/outcome.ts";
import { createScheduler } from "../../src/core/scheduler/scheduler.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import { bytesEqual } from "../../src/core/types/bytes.ts";
import { toHex } from "../../src/core/types/hex.ts";
import type { Runtime } from "../../src/durable-objects/sequencer/runtime.ts";
import { transaction } from "../../src/durable-objects/sequencer/status.ts";
import { requireHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { APP, CHAIN_ID, recoverSymbolic } from "../support/l1-ledger.ts";
import { replicate } from "../support/replica.ts";
import { type Chain, FIRST_BLOCK } from "./chain.ts";
import type { Acknowledged } from "./clients.ts";
import type { Archive, Follower, Rollback } from "./follower.ts";
import type { Options } from "./options.ts";
import type { SimStorage } from "./storage.ts";

export type Finalized = { readonly inclusionBlock: number; readonly sha256: string };

export type Evidence = {
  readonly options: Options;
  readonly chain: Chain;
  readonly storage: SimStorage;
  readonly archive: Archive;
  readonly followers: readonly Follower[];
  readonly acknowledged: readonly Acknowledged[];
  /** What the object called finalized at various times. */
  readonly finalized: readonly Finalized[];
  readonly runtime: Runtime;
  /** The state that the object holds in memory. */
  readonly live: ApplicationState;
};

type Canonical = {
  readonly state: ApplicationState;
  readonly executed: readonly Executed[];
  /** SHA-256 of the state at the end of each block that held an input. */
  readonly digests: ReadonlyMap<number, string>;
};

/** Asserts all of it; the first that fails names itself. */
export function checkAll(evidence: Evidence): void {
  const canonical = foldL1(evidence);
  checkHistory(evidence, canonical);
  checkPromises(evidence);
  checkFollowers(evidence);
  checkFinalized(evidence, canonical);
  checkReplica(evidence);
  checkTables(evidence);
}

const genesis = (options: Options): ApplicationState =>
  walletApplication.genesis(options.config.appConfig);

/** Every input of the canonical chain up to the safe head that the object has stored. */
function foldL1({ options, chain, storage }: Evidence): Canonical {
  const head = Number(
    must(storage.read("SELECT block_number FROM l1_safe_head")[0], "a safe head")["block_number"],
  );
  const state = genesis(options);
  const config = { sequencer: options.config.submitter };
  const scheduler = createScheduler({ config, state, recover: recoverSymbolic });
  const executed: Executed[] = [];
  const digests = new Map<number, string>([[0, digestOf(state)]]);
  for (let number = FIRST_BLOCK; number <= head; number++) {
    const { inputs } = chain.canonical(number);
    for (const input of inputs) {
      const processed = scheduler.process({ chainId: CHAIN_ID, app: APP, ...input });
      executed.push(...processed.executed);
    }
    if (inputs.length > 0) digests.set(number, digestOf(state));
  }
  return { state, executed, digests };
}

/** The fold executed a prefix of the valid history: all of what is accepted, in the promised order. */
function checkHistory({ options, archive, storage, live }: Evidence, canonical: Canonical): void {
  const valid = archive.valid().filter((record) => record.kind !== "rollback");
  const { executed } = canonical;
  assert(executed.length <= valid.length, "S2: L1 executes nothing that was not promised");
  const predicted = genesis(options);
  for (const [i, one] of executed.entries()) {
    const record = must(valid[i], "a record for each execution");
    assert(describeExecuted(one) === describeRecord(record), "S2: L1 executes the promised order");
    execute(predicted, record);
  }
  assert(
    bytesEqual(predicted.snapshot(), canonical.state.snapshot()),
    "S2: the fold's state is the promised state, byte for byte",
  );
  const frontier = Number(
    storage.read("SELECT COALESCE(MAX(nonce), -1) + 1 AS n FROM safe_accepted_batches")[0]?.["n"],
  );
  const accepted = valid.filter((record) => "batchNonce" in record && record.batchNonce < frontier);
  assert(executed.length >= accepted.length, "S2: L1 executed all that is accepted");
  for (const record of valid.slice(executed.length)) execute(predicted, record);
  assert(bytesEqual(predicted.snapshot(), live.snapshot()), "N17: memory is the valid history");
  checkUnique(executed);
}

function checkUnique(executed: readonly Executed[]): void {
  const ops = executed.flatMap((one) =>
    one.kind === "user-op" ? [`${one.sender} ${one.nonce}`] : [],
  );
  assert(new Set(ops).size === ops.length, "I4: no op is executed twice");
}

/** Every 200 is kept at its place, or voided by a rollback that says so. */
function checkPromises({ acknowledged, archive, runtime }: Evidence): void {
  const valid = new Set(archive.valid().map((record) => record.offset));
  for (const { op, head, offset, batchNonce, frameFee } of acknowledged) {
    const record = archive.at(offset);
    assert(
      record?.kind === "user_op" &&
        record.sender === op.sender &&
        record.nonce === op.nonce &&
        record.batchNonce === batchNonce &&
        record.fee === frameFee &&
        bytesEqual(record.data, op.data),
      "I3: the record at the promised offset is the acknowledged op",
    );
    const rollback = archive.voiding(offset);
    assert(
      valid.has(offset) !== (rollback !== null),
      "F3: a promise is kept, or a rollback covers it",
    );
    assert((rollback?.offset ?? head + 1) > head, "I4: what is void already is not promised");
    checkWhereabouts(runtime, { op, offset }, rollback);
  }
}

/** I6: what is told of an op is where it is, as long as its row is kept. */
function checkWhereabouts(
  runtime: Runtime,
  { op, offset }: Pick<Acknowledged, "op" | "offset">,
  rollback: Rollback | null,
): void {
  const answer = transaction(runtime, op.sender, op.nonce);
  if (!answer.ok) {
    const { availableFrom } = requireHistory(runtime.sql);
    assert(offset <= availableFrom, "I6: an op that is not deleted is found");
    return;
  }
  const { state, offset: found, voided } = answer.value;
  // The nonce may have been used again, since or before: the valid one, else the newest, is told.
  if (found !== offset) {
    assert(rollback !== null, "I6: a valid op is the one that is told");
    return;
  }
  assert((state === "voided") === (rollback !== null), "I6: voided is told of what is void");
  assert(
    (voided?.generation ?? null) === (rollback?.generation ?? null),
    "I6: and by which rollback",
  );
}

/** A reader that was cut off holds what the one that never was holds. */
function checkFollowers({ options, archive, followers, live }: Evidence): void {
  const valid = archive.valid().filter((record) => record.kind !== "rollback");
  for (const { held, base } of followers) {
    const from = base?.from ?? 0;
    const expected = valid.filter((record) => record.offset > from).map(formatRecord);
    const seen = held.map(formatRecord);
    assert(seen.length === expected.length, "F3: a reader holds every valid record once");
    assert(
      seen.every((text, i) => text === expected[i]),
      "F3: a reader holds the records as they were published",
    );
    const restored =
      base === null
        ? genesis(options)
        : unwrap(walletApplication.restore(options.config.appConfig, base.state));
    for (const record of held) execute(restored, record);
    assert(bytesEqual(restored.snapshot(), live.snapshot()), "F8: a reader has the same state");
  }
}

/** V2: what was finalized is the scheduler's state at the end of that block. */
function checkFinalized({ finalized }: Evidence, canonical: Canonical): void {
  for (const { inclusionBlock, sha256 } of finalized) {
    assert(canonical.digests.get(inclusionBlock) === sha256, "V2: finalized is canonical");
  }
}

/** C1: the log alone gives the same feed and the same state, as long as all of it is kept. */
function checkReplica({ options, storage, archive, live }: Evidence): void {
  const rows = storage.read("SELECT height, header, events FROM chunks ORDER BY height");
  if (rows[0]?.["height"] !== 0) return;
  const chunks = rows.map((row) => ({
    header: bytesOf(row["header"]),
    events: bytesOf(row["events"]),
  }));
  const replica = replicate(chunks, () => genesis(options), keccak_256);
  const feed = replica.feed.filter((record) => record.kind !== "rollback").map(formatRecord);
  const valid = archive.valid().filter((record) => record.kind !== "rollback");
  assert(feed.join() === valid.map(formatRecord).join(), "C1: the log gives the feed");
  assert(bytesEqual(replica.state.snapshot(), live.snapshot()), "C1: the log gives the state");
}

function bytesOf(value: unknown): Uint8Array {
  assert(value instanceof Uint8Array, "a blob is bytes");
  return value;
}

function checkTables({ storage, chain }: Evidence): void {
  const none = (query: string, what: string): void => {
    assert(storage.read(query).length === 0, what);
  };
  none("SELECT 1 FROM canonical_divergence", "R4: nothing diverged");
  none(
    `SELECT 1 FROM safe_accepted_batches JOIN batches USING (batch_index)
     WHERE invalidated_at_ms IS NOT NULL`,
    "N9: nothing accepted is void",
  );
  none("PRAGMA foreign_key_check", "every reference holds");
  for (const row of storage.read("SELECT * FROM safe_inputs")) {
    const block = chain.canonical(Number(row["block_number"]));
    const index = Number(row["safe_input_index"]);
    const input = block.inputs.find((one) => one.index === index);
    const hash = row["transaction_hash"];
    assert(
      input !== undefined && hash instanceof Uint8Array && toHex(hash) === input.transactionHash,
      "L1: a stored input is the chain's",
    );
  }
}

function execute(state: ApplicationState, record: FeedRecord): void {
  if (record.kind === "user_op") executeUserOp(state, record, record.safeBlock);
  if (record.kind === "direct_input") executeDirectInput(state, record);
}

function describeExecuted(one: Executed): string {
  if (one.kind === "direct") {
    return `direct ${one.input.sender} ${one.input.blockNumber} ${toHex(one.input.payload)}`;
  }
  return `op ${one.sender} ${one.nonce} ${one.fee} ${one.safeBlock} ${one.batchNonce} ${toHex(one.data)}`;
}

function describeRecord(record: FeedRecord): string {
  if (record.kind === "rollback") return "rollback";
  if (record.kind === "direct_input") {
    return `direct ${record.sender} ${record.blockNumber} ${toHex(record.payload)}`;
  }
  const { sender, nonce, fee, safeBlock, batchNonce, data } = record;
  return `op ${sender} ${nonce} ${fee} ${safeBlock} ${batchNonce} ${toHex(data)}`;
}

function digestOf(state: ApplicationState): string {
  return createHash("sha256").update(state.snapshot()).digest("hex");
}

function unwrap<T>(result: { ok: true; value: T } | { ok: false; error: string }): T {
  assert(result.ok, "V1: a snapshot restores");
  return result.value;
}
