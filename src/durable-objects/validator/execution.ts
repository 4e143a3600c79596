/**
 * Mode `full`: a validator executes the log itself, and acks only what it agrees with (C4).
 *
 * Every op's signature is recovered, its fee and block are those of its frame, and the application takes
 * it; at a seal that names a state, the own state must have that hash. Which direct inputs were drained
 * is taken from the log: whether they are L1's, its readers find out. One state is alive, at the end of
 * the newest chunk that was judged; any other place is restored from what is stored.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { verifySender } from "../../core/api/verify-sender.ts";
import { validateUserOp } from "../../core/application/execute.ts";
import type { ChunkEvent } from "../../core/chunk/event.ts";
import { type ChunkHeader, chunkHash } from "../../core/chunk/header.ts";
import { ZERO_HASH } from "../../core/consensus/encoding.ts";
import { type Hash32, hashFromBytes } from "../../core/types/hex.ts";
import { domainSeparator } from "../../core/wire/user-op.ts";
import { errorName, log } from "../shared/log.ts";
import { transact } from "../shared/transact.ts";
import { execute, type Standing, standingAt } from "./past.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { insertState } from "./storage/snapshots.ts";

type Op = ChunkEvent & { readonly kind: "op" };
type Seal = ChunkEvent & { readonly kind: "seal" };
type Alive = Standing & { readonly at: Hash32 };

export class Execution {
  readonly #runtime: ValidatorRuntime;
  readonly #separator: Uint8Array;
  #alive: Alive | null = null;

  constructor(runtime: ValidatorRuntime) {
    const { chainId, app } = runtime.config;
    this.#runtime = runtime;
    this.#separator = domainSeparator({ chainId, verifyingContract: app });
  }

  /** Whether the events, which are the header's, are what this validator makes of them. */
  agrees(header: ChunkHeader, events: readonly ChunkEvent[]): boolean {
    try {
      const before = this.#standing(header.parent);
      this.#alive = null;
      const after = before === null ? null : this.#through(header, events, before);
      if (after === null) return false;
      this.#alive = { ...after, at: chunkHash(header) };
      return true;
    } catch (error) {
      // The application threw where it must not: then it agrees with nothing.
      log("error", "execution-failed", { error: errorName(error), height: header.height });
      this.#alive = null;
      return false;
    }
  }

  /** The state at the end of `parent`, ready to be changed. */
  #standing(parent: Hash32): Standing | null {
    if (this.#alive?.at === parent) return this.#alive;
    return standingAt(this.#runtime, parent);
  }

  /** Null when an event is not what it must be. */
  #through(header: ChunkHeader, events: readonly ChunkEvent[], before: Standing): Standing | null {
    let standing: Standing | null = before;
    for (const [i, event] of events.entries()) {
      standing = this.#after(standing, event, () =>
        this.#rolledBack(header, events.slice(0, i + 1)),
      );
      if (standing === null) return null;
    }
    return standing;
  }

  #rolledBack(header: ChunkHeader, events: readonly ChunkEvent[]): Standing | null {
    return standingAt(this.#runtime, header.parent, events);
  }

  #after(
    standing: Standing,
    event: ChunkEvent,
    rolledBack: () => Standing | null,
  ): Standing | null {
    switch (event.kind) {
      case "op":
        if (!this.#isRight(standing, event)) return null;
        execute(standing.state, event);
        return standing;
      case "direct":
        execute(standing.state, event);
        return standing;
      case "frame":
        return { ...standing, frame: event };
      case "seal":
        return this.#isSealed(standing, event) ? standing : null;
      case "rollback":
        return rolledBack();
      case "watermark":
      case "tally":
        return standing;
    }
  }

  #isRight({ state, frame }: Standing, op: Op): boolean {
    const isOfFrame =
      frame !== null &&
      op.batchNonce === frame.batchNonce &&
      op.frame === frame.frame &&
      op.fee === frame.fee &&
      op.safeBlock === frame.safeBlock;
    if (!isOfFrame || !verifySender(op, this.#separator, this.#runtime.mounted).ok) return false;
    return validateUserOp(state, op.sender, op, op) === null;
  }

  #isSealed({ state }: Standing, seal: Seal): boolean {
    if (state.progress().executedInputCount !== seal.executedInputs) return false;
    if (seal.stateHash === ZERO_HASH) return true;
    const snapshot = state.snapshot();
    if (hashFromBytes(sha256(snapshot)) !== seal.stateHash) return false;
    const { storage, sql } = this.#runtime;
    transact(storage, () => insertState(sql, seal.stateHash, snapshot));
    return true;
  }
}
