/** What a client throws: the sequencer's own refusals by their codes, and the few that only a client sees. */

import type { ErrorCode } from "../core/api/rejection.ts";
import type { RollbackRecord } from "../core/feed/record.ts";
import type { SignedOp } from "./client-types.ts";

export type ClientErrorCode =
  /** The answer is not what it should be. */
  | "BAD_ANSWER"
  /** There was no answer, and what was asked for may have happened or not. */
  | "UNREACHABLE"
  /** The op was voided by a rollback. */
  | "VOIDED";

export class BatonError extends Error {
  override readonly name: string = "BatonError";
  readonly code: ErrorCode | ClientErrorCode;
  /** Of the HTTP answer; null when there was none. */
  readonly status: number | null;
  /** Seconds after which the sequencer expects to answer otherwise; null when it did not say. */
  readonly retryAfterS: number | null;

  constructor(
    code: ErrorCode | ClientErrorCode,
    message: string,
    at: { readonly status?: number; readonly retryAfterS?: number | null } = {},
  ) {
    super(message);
    this.code = code;
    this.status = at.status ?? null;
    this.retryAfterS = at.retryAfterS ?? null;
  }
}

/** The op's fate is open: `client.submit(error.signed)` finds out, and does no harm (I4). */
export class SubmissionError extends BatonError {
  override readonly name: string = "SubmissionError";
  readonly signed: SignedOp;

  constructor(cause: BatonError, signed: SignedOp) {
    const { status, retryAfterS } = cause;
    super(cause.code, cause.message, { ...(status === null ? {} : { status }), retryAfterS });
    this.signed = signed;
  }
}

/** Rejects what is pending of a `SentOp`. */
export class OpVoidedError extends BatonError {
  override readonly name: string = "OpVoidedError";
  /** The first rollback that voided the op; null where the feed does not go back that far. */
  readonly rollback: RollbackRecord | null;

  constructor(rollback: RollbackRecord | null) {
    super("VOIDED", "the op was voided by a rollback");
    this.rollback = rollback;
  }
}
