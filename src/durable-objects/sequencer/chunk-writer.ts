/**
 * The log of one commit in the making: its events, the offsets they take, the chunks they end in (C1).
 *
 * Lives inside the draft's transaction. A commit is one chunk, or several where one would pass 1 MiB.
 */

import { concatBytes } from "@noble/hashes/utils.js";
import { type ChunkEvent, encodeEvent } from "../../core/chunk/event.ts";
import { type ChunkHeader, chunkHash, encodeHeader } from "../../core/chunk/header.ts";
import { leafHash, type MerkleTree, merkleTree, rootOf } from "../../core/chunk/merkle.ts";
import { assert } from "../../core/types/assert.ts";
import { type Hash32, hashFromBytes } from "../../core/types/hex.ts";
import { BLOB_BYTES_MAX } from "../../core/types/protocol.ts";
import { type Offset, offset, type UnixMs } from "../../core/types/units.ts";
import type { LogHead, Memory } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { insertChunk } from "./storage/chunks.ts";
import { insertFacts } from "./storage/committee.ts";
import { feedHead } from "./storage/history.ts";

export type WrittenChunk = {
  readonly header: ChunkHeader;
  readonly hash: Hash32;
  /** The header's canonical bytes. */
  readonly encoded: Uint8Array;
  /** Canonical bytes of the events; null where those of the commit would be too many to be held. */
  readonly events: Uint8Array | null;
};

/** The chunks of one commit. */
export type Written = {
  readonly chunks: readonly WrittenChunk[];
  /** Of the last of them, for a commit of ops is one chunk. Null when nothing was written. */
  readonly last: {
    readonly events: readonly ChunkEvent[];
    /** Canonical bytes of each event. */
    readonly leaves: readonly Uint8Array[];
    readonly tree: MerkleTree;
  } | null;
};

/** Where a draft's events go, and the offsets that its records take. */
export type EventSink = Pick<
  ChunkWriter,
  "nextOffset" | "takeOffset" | "append" | "written" | "finish"
>;

/** What must follow in the same chunk: a seal behind its tally, the next batch's frame behind a seal. */
const [SEAL_EVENT_BYTES, FRAME_EVENT_BYTES] = [81, 23];

function bytesBehind({ kind }: ChunkEvent): number {
  if (kind === "tally") return SEAL_EVENT_BYTES + FRAME_EVENT_BYTES;
  return kind === "seal" ? FRAME_EVENT_BYTES : 0;
}

export class ChunkWriter {
  readonly #runtime: Runtime;
  readonly #era: Uint8Array;
  readonly #nowMs: UnixMs;
  readonly #written: WrittenChunk[] = [];
  #last: Written["last"] = null;
  #log: LogHead;
  #events: ChunkEvent[] = [];
  #leaves: Uint8Array[] = [];
  #leafBytes = 0;
  #heldBytes = 0;
  #chunkFirstOffset: Offset;

  constructor(runtime: Runtime, memory: Pick<Memory, "era" | "log">, nowMs: UnixMs) {
    this.#runtime = runtime;
    this.#era = memory.era;
    this.#nowMs = nowMs;
    this.#log = memory.log;
    this.#chunkFirstOffset = memory.log.nextOffset;
  }

  /** The offset that the next record takes. */
  get nextOffset(): Offset {
    return this.#log.nextOffset;
  }

  /** Where the record goes that the caller just wrote. */
  takeOffset(): Offset {
    const taken = this.#log.nextOffset;
    this.#log = { ...this.#log, nextOffset: offset(taken + 1) };
    return taken;
  }

  /** Appends an event, cutting a chunk before it would pass 1 MiB. */
  append(event: ChunkEvent): void {
    const leaf = encodeEvent(event);
    const room = BLOB_BYTES_MAX - bytesBehind(event);
    if (this.#leafBytes + leaf.length > room) {
      this.#write("offset" in event ? event.offset : this.#log.nextOffset);
    }
    this.#events.push(event);
    this.#leaves.push(leaf);
    this.#leafBytes += leaf.length;
  }

  /** What was written, as soon as `finish` was called. */
  get written(): Written {
    return { chunks: this.#written, last: this.#last };
  }

  /** Writes the last chunk and says where the next one goes. Call it last, once. */
  finish(): LogHead {
    if (this.#leaves.length > 0) this.#write(this.#log.nextOffset);
    assert(
      feedHead(this.#runtime.sql) + 1 === this.#log.nextOffset,
      "F1: the feed gave the offsets that the log promises",
    );
    return this.#log;
  }

  #write(nextOffset: Offset): void {
    const { sql, config } = this.#runtime;
    const tree = merkleTree(this.#leaves.map(leafHash));
    const header = {
      chainId: config.chainId,
      app: config.app,
      era: this.#era,
      epoch: this.#log.epoch,
      height: this.#log.height,
      parent: this.#log.parent,
      root: hashFromBytes(rootOf(tree)),
      eventCount: this.#leaves.length,
      firstOffset: this.#chunkFirstOffset,
      nextOffset,
    };
    const encoded = encodeHeader(header);
    const hash = chunkHash(header, encoded);
    const events = concatBytes(...this.#leaves);
    insertChunk(sql, { ...header, hash, header: encoded, events }, this.#nowMs);
    if (config.committee !== null) {
      insertFacts(sql, header.height, this.#events);
      this.#heldBytes += events.length;
      const isHeld = this.#heldBytes <= BLOB_BYTES_MAX;
      this.#written.push({ header, hash, encoded, events: isHeld ? events : null });
      this.#last = { events: this.#events, leaves: this.#leaves, tree };
    }
    this.#log = { ...this.#log, height: this.#log.height + 1, parent: hash };
    this.#chunkFirstOffset = nextOffset;
    this.#events = [];
    this.#leaves = [];
    this.#leafBytes = 0;
  }
}
