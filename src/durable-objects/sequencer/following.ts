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

import type { BeginningHooks } from "../../consensus/beginnings.ts";
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
import type { AskPart } from "../shared/snapshot-client.ts";
import { LogBeginning } from "./begin-log.ts";
import type { Certify } from "./certify.ts";
import { type Followed, followOnce, forgetPages } from "./follow.ts";
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
  readonly #beginning: LogBeginning;
  /** The epoch that is to be opened, and who waits for it. */
  #opening: { readonly known: KnownRecord; readonly opened: () => void } | null = null;

  constructor(runtime: Runtime, memory: MemoryStore) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#beginning = new LogBeginning(runtime);
  }

  /** C6: what to begin with where nobody has the first chunks any more. `planned`: a step is due. */
  beginWith(lane: () => Lane, planned: () => void): BeginningHooks {
    return this.#beginning.hooks((era) => this.#follower({ era }, lane()), received, planned);
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
  async adopt(from: number, entries: readonly LogEntry[], lane: Lane): Promise<void> {
    // Awaited, so that what it throws is a rejection; all is done in the turn of the call.
    await Promise.resolve(this.#adopt(from, entries, lane));
  }

  #adopt(from: number, entries: readonly LogEntry[], lane: Lane): void {
    const { sql } = this.#runtime;
    const head = loadChunkHead(sql)?.height ?? -1;
    const isOther = ({ ref }: LogEntry): boolean =>
      ref.height <= head && chunkHeadAt(sql, ref.height)?.hash !== ref.hash;
    const isCut = entries.length === 0 && from <= head;
    if (isResetting(sql) || isCut || entries.some(isOther)) throw new ResetNeeded();
    this.#beginning.checkAgainst((era) => this.#follower({ era }, lane), entries);
    const news = entries.filter(({ ref }) => ref.height > head);
    receiveChunks(this.#runtime, Math.max(from, head + 1), news.map(received));
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
    { lane, ask, self }: { readonly lane: Lane; readonly ask: AskPart; readonly self: string },
    reading: Reading,
  ): Promise<Result<Followed | null, L1Error>> {
    const { sql } = this.#runtime;
    const { record } = certify;
    if (record === null) return isResetting(sql) ? await this.#forget(certify) : ok(null);
    const { epoch, start } = record.record;
    // Nothing of the committee's part may read or write a log that is being forgotten.
    if (isResetting(sql) || isResetDue(this.#runtime, { epoch, start })) await certify.suspend();
    const follower = this.#follower(record.record, lane);
    const opened = { epoch, start };
    const source = { endpoints: endpointsOf(record.record, self), ask };
    const followed =
      this.#beginning.isUnderWay && !isResetting(sql)
        ? await this.#beginning.step(follower, source, reading)
        : await followOnce(follower, { through: newestCertified(sql), opened }, reading);
    // R5: a rebuilt history begins with a state that is in no chunk; a later one's will do.
    if (followed.ok && followed.value.problem?.height === 0) this.#beginning.want();
    certify.log.moved();
    if (!isResetting(sql)) await certify.resume();
    return followed.ok && this.#openNow(certify, lane)
      ? ok({ ...followed.value, isMoreDue: true })
      : followed;
  }

  /** Where the object woke up while it forgot: the committee's part begins behind it. */
  async #forget(certify: Certify): Promise<Result<Followed, L1Error>> {
    forgetPages({ runtime: this.#runtime, memory: this.#memory });
    certify.log.moved();
    if (!isResetting(this.#runtime.sql)) await certify.resume();
    return ok({ through: -1, waitsFor: null, problem: null, isMoreDue: true });
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

  #follower({ era }: Pick<EpochRecord, "era">, lane: Lane): Follower {
    const { application, config } = this.#runtime;
    const state = () => application.genesis(config.appConfig);
    const origin = { era, anchorNonce: batchNonce(0), base: null, state };
    return { runtime: this.#runtime, memory: this.#memory, lane, origin };
  }
}

/** Validators keep states of certified seals; a leader has its own. */
function endpointsOf({ members, candidates }: EpochRecord, self: string): readonly string[] {
  const endpoints = [...members, ...candidates].map(({ endpoint }) => endpoint);
  return endpoints.filter((endpoint) => endpoint !== self);
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
