/**
 * Proof that a promise was broken: a receipt, and a certified rollback over its offset (C2).
 *
 * A rollback is an event of the log, so its place is proven by a receipt of its own. Offsets are never
 * used twice (F1), so an offset between what a rollback keeps and the rollback itself is void for good,
 * whichever of the two was signed first.
 */

import { err, ok, type Result } from "../types/result.ts";
import type { Offset } from "../types/units.ts";
import { isOfHistory } from "./signed-header.ts";
import type { Certification, Promiser, ReceiptProof } from "./verify-receipt.ts";

export type BrokenPromise = {
  readonly offset: Offset;
  /** Who signed the promise, and who certified it, if anybody did. */
  readonly promisedBy: Promiser;
  readonly promiseCertified: Certification | null;
  /** Who ordered the rollback, and who certified it. */
  readonly rolledBackBy: Promiser;
  readonly rollbackCertified: Certification;
  readonly keepThrough: Offset;
  readonly rollbackOffset: Offset;
};

/**
 * `promise`: not a receipt of an op or a direct input. `rollback`: not one of a rollback, or of another
 * history. `uncertified`: the rollback is one sequencer's word. `kept`: it does not cover the offset.
 */
export type BrokenPromiseProblem = "promise" | "rollback" | "uncertified" | "kept";

/** Both were verified against one chain of records. */
export function proveBrokenPromise(
  promise: ReceiptProof,
  rollback: ReceiptProof,
): Result<BrokenPromise, BrokenPromiseProblem> {
  if (promise.event.kind !== "op" && promise.event.kind !== "direct") return err("promise");
  if (rollback.event.kind !== "rollback") return err("rollback");
  if (!isOfHistory(promise.header, rollback.header)) return err("rollback");
  if (rollback.certified === null) return err("uncertified");
  const { offset } = promise.event;
  const { keepThrough, offset: rollbackOffset } = rollback.event;
  if (offset <= keepThrough || offset >= rollbackOffset) return err("kept");
  return ok({
    offset,
    promisedBy: promise.promisedBy,
    promiseCertified: promise.certified,
    rolledBackBy: rollback.promisedBy,
    rollbackCertified: rollback.certified,
    keepThrough,
    rollbackOffset,
  });
}
