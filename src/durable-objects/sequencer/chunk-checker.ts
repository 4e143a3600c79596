/**
 * A chunk of somebody else's log, and the sink that holds a draft to it (C1).
 *
 * A follower drives the leader's own draft with the events of a chunk. Whatever the draft then says must
 * be those events, byte for byte, so a follower's rows are the leader's or are not written at all.
 */

import { type ChunkProblem, checkChunk } from "../../core/chunk/check.ts";
import { type ChunkEvent, encodeEvent } from "../../core/chunk/event.ts";
import { type ChunkHeader, chunkHash, decodeHeader } from "../../core/chunk/header.ts";
import { followsLine } from "../../core/consensus/line.ts";
import { isOfHistory } from "../../core/consensus/signed-header.ts";
import { epoch } from "../../core/consensus/types.ts";
import { assert, must } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { type Offset, offset, type UnixMs } from "../../core/types/units.ts";
import type { EventSink, Written } from "./chunk-writer.ts";
import type { LogHead, Memory } from "./memory.ts";
import type { Runtime } from "./runtime.ts";
import { insertChunk } from "./storage/chunks.ts";
import { insertFacts } from "./storage/committee.ts";
import { feedHead } from "./storage/history.ts";
import type { ReceivedChunk } from "./storage/replica.ts";
import { storeSignatures } from "./storage/signatures.ts";

/** A received chunk whose header names exactly these events. */
export type LogChunk = ReceivedChunk & {
  readonly stated: ChunkHeader;
  readonly hash: Hash32;
  readonly list: readonly ChunkEvent[];
};

/**
 * What does not fit. `header`: no canonical bytes. `bytes`, `count`, `root`, `offsets`: other events than
 * the header's. `link`: not the next chunk of this history. `end`: it ends where no chunk may. `origin`: not
 * this history's first chunk. Else the kind of the event that should have been another one.
 */
export type MismatchKind = "header" | ChunkProblem | "link" | "end" | "origin" | ChunkEvent["kind"];

/** Thrown inside a transaction, so that nothing of the chunk stays; `advance` answers with it. */
export class ChunkMismatch extends Error {
  override readonly name: string = "ChunkMismatch";
  readonly what: MismatchKind;
  /** Index in the chunk; null where it is not about one event. */
  readonly event: number | null;

  constructor(what: MismatchKind, event: number | null) {
    super(`the chunk does not fit: ${what}`);
    this.what = what;
    this.event = event;
  }
}

/** Decodes a chunk and compares its events with its header. How an epoch opens is asked with its rows. */
export function readChunk(received: ReceivedChunk): Result<LogChunk, MismatchKind> {
  const header = decodeHeader(received.header);
  if (!header.ok) return err("header");
  const events = checkChunk(header.value, received.events, null);
  if (!events.ok) return events;
  const hash = chunkHash(header.value);
  return ok({ ...received, stated: header.value, hash, list: events.value });
}

/** Whether the chunk is the next one of this history's log. */
export function isNextChunk(
  { config }: Runtime,
  { stated }: LogChunk,
  { era, log }: Pick<Memory, "era" | "log">,
): boolean {
  const { chainId, app } = config;
  if (!isOfHistory(stated, { chainId, app, era })) return false;
  const { parent: hash, nextOffset } = log;
  const end = { height: log.height - 1, hash, epoch: epoch(log.epoch), nextOffset };
  return followsLine(end, stated);
}

/** The chunk is another signer's. */
export const NOTHING_WRITTEN: Written = { chunks: [], last: null };

/** A place within a chunk, and what the log amounts to there. */
export type ChunkPlace = {
  readonly event: number;
  readonly offset: Offset;
  readonly tally: ChunkEvent | null;
};

export class ChunkChecker implements EventSink {
  readonly #runtime: Runtime;
  readonly #chunk: LogChunk;
  readonly #nowMs: UnixMs;
  readonly #from: ChunkPlace;
  #next: Offset;
  #at: number;

  /**
   * The chunk is the next one: `isNextChunk`. `from`: the first event that the draft says, and the offset
   * that the next record takes; those before are in the state that it begins with.
   */
  constructor(
    runtime: Runtime,
    chunk: LogChunk,
    nowMs: UnixMs,
    from: ChunkPlace = { event: 0, offset: chunk.stated.firstOffset, tally: null },
  ) {
    this.#runtime = runtime;
    this.#chunk = chunk;
    this.#nowMs = nowMs;
    this.#from = from;
    this.#at = from.event;
    this.#next = from.offset;
  }

  /** The event that the draft is to say next, and the two behind it. */
  get expected(): readonly (ChunkEvent | undefined)[] {
    return this.#chunk.list.slice(this.#at, this.#at + 3);
  }

  /** Throws: the event that is expected cannot be. */
  refuse(): never {
    throw new ChunkMismatch(this.expected[0]?.kind ?? "end", this.#at);
  }

  get nextOffset(): Offset {
    return this.#next;
  }

  takeOffset(): Offset {
    const taken = this.#next;
    this.#next = offset(taken + 1);
    return taken;
  }

  append(event: ChunkEvent): void {
    const [expected] = this.expected;
    if (expected === undefined) throw new ChunkMismatch("end", null);
    if (!bytesEqual(encodeEvent(event), encodeEvent(expected))) this.refuse();
    this.#at += 1;
  }

  get written(): Written {
    return NOTHING_WRITTEN;
  }

  /** Stores the chunk as it was received. */
  finish(): LogHead {
    const { stated, hash, header, events, list, signature } = this.#chunk;
    assert(this.#at === list.length, "every event of the chunk was said");
    if (stated.nextOffset !== this.#next) throw new ChunkMismatch("end", null);
    const { sql, config } = this.#runtime;
    insertChunk(sql, { ...stated, hash, header, events }, this.#nowMs);
    if (config.committee !== null) {
      const { event, tally } = this.#from;
      // What is before the first of them has no rows here, and amounts to the tally.
      const told = [...(tally === null ? [] : [tally]), ...list.slice(event)];
      insertFacts(sql, stated.height, told);
      storeSignatures(sql, [[stated.height, must(signature, "C2: a leader signs its chunks")]]);
    }
    assert(feedHead(sql) + 1 === this.#next, "F1: the feed gave the offsets that the log promises");
    return {
      epoch: stated.epoch,
      height: stated.height + 1,
      parent: hash,
      nextOffset: this.#next,
    };
  }
}
