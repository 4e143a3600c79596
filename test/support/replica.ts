/**
 * A replica: what C1 says that anyone can rebuild from the chunks alone, and nothing else.
 *
 * Pure. It shares the event codec and the application with the sequencer, and none of its database:
 * batches are put together from events, and every seal is compared with the bytes it names.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { ApplicationState } from "../../src/core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../../src/core/application/execute.ts";
import { type ChunkEvent, decodeEvents, encodeEvent } from "../../src/core/chunk/event.ts";
import { type ChunkHeader, chunkHash, decodeHeader } from "../../src/core/chunk/header.ts";
import { leafHash, merkleRoot } from "../../src/core/chunk/merkle.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import { type Hash32, hashFromBytes } from "../../src/core/types/hex.ts";
import { encodeBatch, type WireUserOp } from "../../src/core/wire/batch.ts";
import type { Keccak256 } from "../../src/core/wire/user-op.ts";

export type Chunk = { readonly header: Uint8Array; readonly events: Uint8Array };

type OpenFrame = { userOps: WireUserOp[]; safeBlock: bigint; feePrice: number };

export type Replica = {
  readonly state: ApplicationState;
  readonly feed: readonly FeedRecord[];
  /** SSZ bytes of every sealed batch that is valid, by nonce. */
  readonly batches: ReadonlyMap<number, Uint8Array>;
  readonly open: { readonly nonce: number; readonly bytes: Uint8Array } | null;
  readonly watermark: number | null;
  readonly seals: number;
  readonly snapshotsCompared: number;
};

const ZERO = `0x${"00".repeat(32)}`;

/** Asserts that the chunks start at height 0 and link. */
export function replicate(
  chunks: readonly Chunk[],
  genesis: () => ApplicationState,
  keccak: Keccak256,
): Replica {
  const events = chunks.length === 0 ? [] : readLog(chunks);
  const fold = new Fold(genesis, keccak);
  for (const event of events) fold.step(event);
  return fold.result();
}

/** The events of linked chunks, in order; every root is computed anew from the events' bytes. */
function readLog(chunks: readonly Chunk[]): readonly ChunkEvent[] {
  const all: ChunkEvent[] = [];
  let parent: Hash32 | string = ZERO;
  let before: ChunkHeader | null = null;
  for (const [height, chunk] of chunks.entries()) {
    const header = unwrap(decodeHeader(chunk.header));
    const events = unwrap(decodeEvents(chunk.events));
    assert(header.height === height && header.parent === parent, "headers link");
    assert(header.eventCount === events.length, "a header counts its events");
    const leaves = events.map((event) => leafHash(encodeEvent(event)));
    assert(hashFromBytes(merkleRoot(leaves)) === header.root, "a root is its events'");
    assert(header.firstOffset === (before?.nextOffset ?? 1), "offsets are contiguous");
    checkOffsets(header, events);
    all.push(...events);
    parent = chunkHash(header);
    before = header;
  }
  return all;
}

function checkOffsets(header: ChunkHeader, events: readonly ChunkEvent[]): void {
  let next = header.firstOffset as number;
  for (const event of events) {
    if (!("offset" in event)) continue;
    assert(event.kind === "rollback" ? event.offset >= next : event.offset === next, "no gap");
    next = event.offset + 1;
  }
  assert(next === header.nextOffset, "the header says where the next record goes");
}

function unwrap<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  assert(result.ok, "the log decodes");
  return result.value;
}

class Fold {
  readonly #genesis: () => ApplicationState;
  readonly #keccak: Keccak256;
  #state: ApplicationState;
  #feed: FeedRecord[] = [];
  #executed: ChunkEvent[] = [];
  #batches = new Map<number, Uint8Array>();
  #nonce: number | null = null;
  #frames: OpenFrame[] = [];
  #watermark: number | null = null;
  #generation = 0;
  #seals = 0;
  #snapshotsCompared = 0;

  constructor(genesis: () => ApplicationState, keccak: Keccak256) {
    this.#genesis = genesis;
    this.#keccak = keccak;
    this.#state = genesis();
  }

  step(event: ChunkEvent): void {
    switch (event.kind) {
      case "frame":
        this.#openFrame(event);
        break;
      case "op":
      case "direct":
        this.#execute(event);
        break;
      case "seal":
        this.#seal(event);
        break;
      case "watermark":
        assert(event.walletNonce > (this.#watermark ?? -1), "N14: the watermark rises");
        this.#watermark = event.walletNonce;
        break;
      case "tally":
        assert(event.walletNonce === this.#watermark, "a tally names the watermark");
        assert(event.generation === this.#generation, "a tally names the generation");
        break;
      case "rollback":
        this.#rollBack(event);
        break;
    }
  }

  result(): Replica {
    return {
      state: this.#state,
      feed: this.#feed,
      batches: this.#batches,
      open: this.#nonce === null ? null : { nonce: this.#nonce, bytes: this.#bytes(this.#nonce) },
      watermark: this.#watermark,
      seals: this.#seals,
      snapshotsCompared: this.#snapshotsCompared,
    };
  }

  #bytes(nonce: number): Uint8Array {
    return encodeBatch({ nonce: BigInt(nonce), frames: this.#frames });
  }

  #openFrame(event: ChunkEvent & { kind: "frame" }): void {
    if (event.frame === 0) {
      assert(this.#nonce === null || this.#frames.length === 0, "a batch opens after a seal");
      this.#nonce = event.batchNonce;
    }
    assert(event.batchNonce === this.#nonce && event.frame === this.#frames.length, "in order");
    const { safeBlock, fee } = event;
    this.#frames.push({ userOps: [], safeBlock: BigInt(safeBlock), feePrice: fee });
  }

  #execute(event: ChunkEvent & { kind: "op" | "direct" }): void {
    const frame = must(this.#frames.at(-1), "a frame is open");
    assert(event.batchNonce === this.#nonce && event.frame === this.#frames.length - 1, "in place");
    this.#apply(event);
    this.#executed.push(event);
    if (event.kind === "direct") {
      assert(frame.userOps.length === 0, "N2: directs come first");
      assert(BigInt(event.blockNumber) <= frame.safeBlock, "N2: nothing beyond the frame's block");
      this.#feed.push({ ...event, kind: "direct_input" });
      return;
    }
    assert(
      BigInt(event.safeBlock) === frame.safeBlock && event.fee === frame.feePrice,
      "its frame",
    );
    const { nonce, maxFee, data, signature } = event;
    frame.userOps.push({ nonce, maxFee, data, signature });
    this.#feed.push({ ...event, kind: "user_op" });
  }

  #apply(event: ChunkEvent): void {
    if (event.kind === "direct") executeDirectInput(this.#state, event);
    if (event.kind === "op") executeUserOp(this.#state, event, event.safeBlock);
  }

  #seal(event: ChunkEvent & { kind: "seal" }): void {
    assert(event.batchNonce === this.#nonce, "the open batch is sealed");
    const bytes = this.#bytes(event.batchNonce);
    assert(hashFromBytes(this.#keccak(bytes)) === event.payloadHash, "the seal names these bytes");
    const { executedInputCount } = this.#state.progress();
    assert(executedInputCount === event.executedInputs, "the seal counts the inputs");
    if (event.stateHash !== ZERO) {
      const hash = hashFromBytes(sha256(this.#state.snapshot()));
      assert(hash === event.stateHash, "the seal names this state");
      this.#snapshotsCompared += 1;
    }
    this.#batches.set(event.batchNonce, bytes);
    this.#frames = [];
    this.#seals += 1;
  }

  /** Everything is executed again: a replica has no snapshots. */
  #rollBack(event: ChunkEvent & { kind: "rollback" }): void {
    const { keepThrough, offset, generation, pivotBatchNonce } = event;
    this.#generation = generation;
    const isKept = (one: object) => "offset" in one && Number(one.offset) <= keepThrough;
    this.#executed = this.#executed.filter(isKept);
    this.#feed = this.#feed.filter((one) => one.kind === "rollback" || isKept(one));
    this.#feed.push({ kind: "rollback", offset, keepThrough, generation });
    this.#state = this.#genesis();
    for (const one of this.#executed) this.#apply(one);
    for (const nonce of this.#batches.keys()) {
      if (nonce >= pivotBatchNonce) this.#batches.delete(nonce);
    }
    this.#frames = [];
  }
}
