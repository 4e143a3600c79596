/**
 * A candidate's log that others write: taken in, projected, continued in an epoch of its own (C6).
 *
 * The library adopts chunks from its own messages, at any time; they are durable, and wait. A tick projects
 * what is certified of them, as far as our own reader has come, and opens an epoch that this candidate was
 * elected for as soon as all that it inherits is projected. So nothing is ordered before the reader has
 * reached the inherited log's last safe block and found its direct inputs there.
 *
 * Chunks that no epoch inherits are rows that cannot be taken back one by one: then everything is forgotten
 * (`replica-reset.ts`). Meanwhile the committee's part is at rest; it begins anew on an empty log.
 */

import type { PayloadCheck } from "../../consensus/payload.ts";
import type { LogEntry } from "../../consensus/payload-store.ts";
import { checkChunk } from "../../core/chunk/check.ts";
import { encodeHeader } from "../../core/chunk/header.ts";
import type { EpochRecord, KnownRecord, StartPoint } from "../../core/consensus/epoch-record.ts";
import { leaderOf } from "../../core/consensus/signed-header.ts";
import { must } from "../../core/types/assert.ts";
import { ok, type Result } from "../../core/types/result.ts";
import { batchNonce } from "../../core/types/units.ts";
import type { L1, L1Error } from "../../l1/l1.ts";
import { log } from "../shared/log.ts";
import type { Certify } from "./certify.ts";
import { type Followed, followOnce } from "./follow.ts";
import type { Lane } from "./lane.ts";
import type { MemoryStore } from "./memory.ts";
import { openEpoch } from "./open-epoch.ts";
import { type Follower, projectedThrough, receiveChunks } from "./replica.ts";
import { isResetDue } from "./replica-reset.ts";
import { isUnsettled, settleLandings } from "./replica-snapshot.ts";
import type { Runtime } from "./runtime.ts";
import { chunkHeadAt, loadChunkHead } from "./storage/chunks.ts";
import { newestCertified, ResetNeeded } from "./storage/log-store.ts";
import type { ReceivedChunk } from "./storage/replica.ts";
import { isResetting } from "./storage/replica-reset.ts";

/** What is read with: one endpoint for the step. */
export type Reading = { readonly connect: () => L1; readonly sliceBlocks: number };

export class Following {
  readonly #runtime: Runtime;
  readonly #memory: MemoryStore;
  /** The epoch that is to be opened, and who waits for it. */
  #opening: { readonly known: KnownRecord; readonly opened: () => void } | null = null;

  constructor(runtime: Runtime, memory: MemoryStore) {
    this.#runtime = runtime;
    this.#memory = memory;
  }

  /**
   * C6: whether somebody else's chunks are still to come or to be projected. `id`: of this candidate;
   * `record`: the newest, null before the founding.
   */
  isDue(
    own: { readonly id: string; readonly isFirst: boolean },
    record: KnownRecord | null,
  ): boolean {
    const { sql } = this.#runtime;
    if (isResetting(sql)) return true;
    if (record === null) return !own.isFirst;
    const { epoch } = record.record;
    const isLeader = leaderOf(record.record).id === own.id;
    return !isLeader || (loadChunkHead(sql)?.epoch ?? -1) < epoch;
  }

  /** From height `from` on the log becomes `entries`; rejects where rows would have to be taken back. */
  adopt(from: number, entries: readonly LogEntry[]): Promise<void> {
    const { sql } = this.#runtime;
    const head = loadChunkHead(sql)?.height ?? -1;
    const isOther = ({ ref }: LogEntry): boolean =>
      ref.height <= head && chunkHeadAt(sql, ref.height)?.hash !== ref.hash;
    const isCut = entries.length === 0 && from <= head;
    if (isResetting(sql) || isCut || entries.some(isOther))
      return Promise.reject(new ResetNeeded());
    const news = entries.filter(({ ref }) => ref.height > head);
    receiveChunks(this.#runtime, Math.max(from, head + 1), news.map(received));
    return Promise.resolve();
  }

  /** Whether the bytes are the events that the header names, and open its epoch where they must. */
  checkWith(recordOf: (epoch: number) => KnownRecord | null): PayloadCheck {
    return (header, bytes) => {
      const start = recordOf(header.epoch)?.record.start ?? null;
      const opens = header.epoch > 0 && header.height === (start?.inherited?.height ?? -1) + 1;
      const checked = checkChunk(header, bytes, opens ? start : null);
      if (!checked.ok)
        log("warn", "chunk-refused", { height: header.height, reason: checked.error });
      return Promise.resolve(checked.ok);
    };
  }

  /** Resolves when the epoch's first chunk is written, by one of the next steps. */
  open(known: KnownRecord): Promise<void> {
    return new Promise((opened) => {
      this.#opening = { known, opened };
    });
  }

  /** One step of a tick. Null: there is no committee yet. */
  async step(
    certify: Certify,
    lane: Lane,
    reading: Reading,
  ): Promise<Result<Followed | null, L1Error>> {
    const { record } = certify;
    if (record === null) return ok(null);
    const { sql } = this.#runtime;
    const { epoch, start } = record.record;
    // Nothing of the committee's part may read or write a log that is being forgotten.
    if (isResetting(sql) || isResetDue(this.#runtime, { epoch, start })) await certify.suspend();
    const followed = await followOnce(
      this.#follower(record.record, lane),
      { through: newestCertified(sql), opened: { epoch, start } },
      reading,
    );
    certify.log.moved();
    if (!isResetting(sql)) await certify.resume();
    return followed.ok && this.#openNow(certify, lane)
      ? ok({ ...followed.value, isMoreDue: true })
      : followed;
  }

  /** True when the epoch was opened: no turn of another part comes between the facts and the write. */
  #openNow(certify: Certify, lane: Lane): boolean {
    const runtime = this.#runtime;
    const opening = this.#opening;
    if (opening === null || isResetting(runtime.sql)) return false;
    const { record, hash } = opening.known;
    // The epoch is over, or led by a later life of this candidate: that one asks again.
    if (certify.candidate?.lead?.known.hash !== hash) {
      this.#opening = null;
      return false;
    }
    if (!isInherited(runtime, record.start)) return false;
    if (isUnsettled(runtime.sql)) settleLandings(runtime);
    const memory = must(this.#memory.get(), "an epoch continues a history");
    this.#opening = null;
    lane.renew(() => openEpoch(runtime, memory, record));
    log("info", "epoch-opened", { epoch: record.epoch, height: memory.log.height });
    opening.opened();
    return true;
  }

  #follower({ era }: EpochRecord, lane: Lane): Follower {
    const { application, config } = this.#runtime;
    const state = () => application.genesis(config.appConfig);
    const origin = { era, anchorNonce: batchNonce(0), base: null, state };
    return { runtime: this.#runtime, memory: this.#memory, lane, origin };
  }
}

/** Whether the rows end with what the epoch inherits. */
function isInherited({ sql }: Runtime, { inherited }: StartPoint): boolean {
  return inherited !== null && projectedThrough(sql) === inherited.height;
}

function received({ ref, signed, bytes }: LogEntry): ReceivedChunk {
  const { header, scheme, signature } = signed;
  if (scheme === "bls12381") throw new Error(`chunk ${ref.height} is signed by many`);
  return {
    header: encodeHeader(header),
    events: must(bytes, "a chunk that is adopted has its payload"),
    signature: { scheme, signature },
  };
}
