/**
 * What is shown if certain signatures hold: structure is judged at once, cryptography as data.
 *
 * A claim's value is unproven until every check of it passed, which one driver does at once and another
 * through the platform; neither can forget a check, since the value comes out of `settle` only.
 */

import { must } from "../types/assert.ts";
import { err, ok, type Result } from "../types/result.ts";
import type { SchemeId, Schemes } from "./types.ts";

export type SignatureCheck =
  | {
      readonly kind: "signature";
      readonly scheme: SchemeId;
      readonly publicKey: Uint8Array;
      readonly message: Uint8Array;
      readonly signature: Uint8Array;
    }
  | {
      /** One signature of several keys over one message. */
      readonly kind: "aggregate";
      readonly scheme: SchemeId;
      readonly publicKeys: readonly Uint8Array[];
      readonly message: Uint8Array;
      readonly signature: Uint8Array;
    }
  | {
      /** Whether a key may be registered. */
      readonly kind: "key";
      readonly scheme: SchemeId;
      readonly publicKey: Uint8Array;
      readonly proof: Uint8Array;
    };

export type Claim<T> = { readonly unproven: T; readonly checks: readonly SignatureCheck[] };

export function verifyCheck(check: SignatureCheck, schemes: Schemes): boolean {
  const scheme = schemes[check.scheme];
  switch (check.kind) {
    case "signature":
      return scheme.verify(check.publicKey, check.message, check.signature);
    case "aggregate":
      return must(scheme.aggregate, "only a scheme that aggregates has aggregates").verify(
        check.publicKeys,
        check.message,
        check.signature,
      );
    case "key":
      return scheme.checkKey(check.publicKey, check.proof);
  }
}

/** The claim's value, if every check passes. */
export function settle<T>(claim: Claim<T>, schemes: Schemes): Result<T, "signature"> {
  return settleWith(
    claim,
    claim.checks.map((check) => verifyCheck(check, schemes)),
  );
}

/** As `settle`, with verdicts found elsewhere, one for each check in its order. */
export function settleWith<T>(
  claim: Claim<T>,
  verdicts: readonly boolean[],
): Result<T, "signature"> {
  const isProven =
    verdicts.length === claim.checks.length && verdicts.every((verdict) => verdict === true);
  return isProven ? ok(claim.unproven) : err("signature");
}
