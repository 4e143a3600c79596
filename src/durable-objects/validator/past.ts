/**
 * The state at the end of a chunk, from what is stored: the newest state behind it, and what followed.
 *
 * Rollbacks make void what they do not keep, so the log is read backwards: what a later rollback voids
 * is left out, and the first state that counts is where execution begins.
 */

import type { ApplicationState } from "../../core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../../core/application/execute.ts";
import { type ChunkEvent, decodeEvents } from "../../core/chunk/event.ts";
import { ZERO_HASH } from "../../core/consensus/encoding.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { loadChunk } from "./storage/chunks.ts";
import { wholeState } from "./storage/snapshots.ts";

/** A frame as the log opened it. */
export type Frame = ChunkEvent & { readonly kind: "frame" };

export type Standing = {
  readonly state: ApplicationState;
  /** The newest frame; null before the first. */
  readonly frame: Frame | null;
};

/** Chunks that are read back at most, before the validator says that it does not know. */
const CHUNKS_BACK_MAX = 200_000;

/** Null: what is needed is not stored here. `inChunk`: the events of that chunk before the point asked for. */
export function standingAt(
  runtime: ValidatorRuntime,
  chunk: Hash32,
  inChunk: readonly ChunkEvent[] = [],
): Standing | null {
  const past = new Past();
  let isWhole = past.take(runtime, inChunk);
  let hash = chunk;
  for (let back = 0; !isWhole && hash !== ZERO_HASH; back++) {
    const stored = loadChunk(runtime.sql, hash);
    const events = stored?.payload ? decodeEvents(stored.payload) : null;
    if (stored === null || events === null || !events.ok || back > CHUNKS_BACK_MAX) return null;
    isWhole = past.take(runtime, events.value);
    hash = stored.signed.header.parent;
  }
  return past.replay(runtime);
}

/** What counts, read from its end. */
class Past {
  /** The newest first. */
  readonly #events: ChunkEvent[] = [];
  #state: ApplicationState | null = null;
  #frame: Frame | null = null;
  /** Offsets beyond it are void, as far as they are older than what was read. */
  #keepThrough: number = Number.POSITIVE_INFINITY;

  /** Reads the events of a chunk from its end; true when a state was found. */
  take(runtime: ValidatorRuntime, events: readonly ChunkEvent[]): boolean {
    for (const event of events.toReversed()) {
      if (this.#takeOne(runtime, event, headBefore(events, event))) return true;
    }
    return false;
  }

  #takeOne(runtime: ValidatorRuntime, event: ChunkEvent, head: number | null): boolean {
    switch (event.kind) {
      case "op":
      case "direct":
        if (event.offset <= this.#keepThrough) this.#events.push(event);
        return false;
      case "frame":
        this.#frame ??= event;
        return false;
      case "rollback":
        if (event.offset <= this.#keepThrough) {
          this.#keepThrough = Math.min(this.#keepThrough, event.keepThrough);
        }
        return false;
      case "seal": {
        const isKept = head !== null && head <= this.#keepThrough;
        if (!isKept || event.stateHash === ZERO_HASH) return false;
        this.#state = restored(runtime, event.stateHash);
        return this.#state !== null;
      }
      case "watermark":
      case "tally":
        return false;
    }
  }

  replay({ mounted, config }: ValidatorRuntime): Standing {
    const state = this.#state ?? mounted.application.genesis(config.appConfig);
    for (const event of this.#events.toReversed()) execute(state, event);
    return { state, frame: this.#frame };
  }
}

/** The newest offset of the chunk before `event`; null when there is none in it. */
function headBefore(events: readonly ChunkEvent[], event: ChunkEvent): number | null {
  const before = events.slice(0, events.indexOf(event));
  const last = before.findLast((one) => "offset" in one);
  return last !== undefined && "offset" in last ? last.offset : null;
}

function restored(
  { sql, mounted, config }: ValidatorRuntime,
  hash: Hash32,
): ApplicationState | null {
  const state = wholeState(sql, hash);
  if (state === null) return null;
  const application = mounted.application.restore(config.appConfig, state);
  return application.ok ? application.value : null;
}

/** Executes what is stored: it was judged before. */
export function execute(state: ApplicationState, event: ChunkEvent): void {
  if (event.kind === "op") executeUserOp(state, event, event.safeBlock);
  if (event.kind === "direct") executeDirectInput(state, event);
}
