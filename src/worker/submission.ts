/** Rows 3 to 14 of P§4.1: from the text of a submission to an op with a proven sender (I1, I2). */

import type { Rejection } from "../core/api/rejection.ts";
import type { SignedUserOp } from "../core/api/sequencer-api.ts";
import { parseTxRequest } from "../core/api/tx-request.ts";
import { verifySender } from "../core/api/verify-sender.ts";
import type { Result } from "../core/types/result.ts";
import type { Deployment } from "./config.ts";
import { keccak, recoverAddress } from "./curve.ts";

/** `text` is at most `BODY_BYTES_MAX` bytes long. */
export function readSubmission(
  text: string,
  { maxMethodPayloadBytes, domainSeparator }: Deployment,
): Result<SignedUserOp, Rejection> {
  const parsed = parseTxRequest(text, maxMethodPayloadBytes);
  if (!parsed.ok) return parsed;
  return verifySender(parsed.value, domainSeparator, { keccak, recoverAddress });
}
