/** Recovers who signed a submission: rows 13 and 14 of P§4.1 (I2). Pure, given a curve. */

import { err, ok, type Result } from "../types/result.ts";
import type { RecoverAddress } from "../wire/signature.ts";
import { type Keccak256, userOpDigest } from "../wire/user-op.ts";
import { invalidSignature, type Rejection } from "./rejection.ts";
import type { SignedUserOp } from "./sequencer-api.ts";
import { signatureRejection, type TxRequest } from "./tx-request.ts";

/** The two primitives, core's own or faster ones that give the same. */
export type Curve = { readonly keccak: Keccak256; readonly recoverAddress: RecoverAddress };

/** The op as the object takes it, when the signature under `separator` is the claimed sender's. */
export function verifySender(
  request: TxRequest,
  separator: Uint8Array,
  curve: Curve,
): Result<SignedUserOp, Rejection> {
  const digest = userOpDigest(separator, request, curve.keccak);
  const recovered = curve.recoverAddress(digest, request.signature);
  if (!recovered.ok) return err(signatureRejection(recovered.error));
  if (recovered.value !== request.sender) return err(invalidSignature("sender mismatch"));
  return ok(request);
}
