/**
 * What a follower's reader does with inputs before it has a log: it stores them, and judges none (C6).
 *
 * Where it is to begin from a state, it looks for the landing of that state's batch: what came before is in
 * the state, and needs no payload. A log says afterwards which of the rest is its own.
 */

import { decideAcceptance } from "../../core/scheduler/acceptance.ts";
import type { ObservedInput } from "../../l1/l1.ts";
import type { Runtime } from "./runtime.ts";
import { insertSafeInput } from "./storage/l1-inputs.ts";
import { type Beginning, loadBeginning, noteExpected } from "./storage/replica-beginning.ts";

export function storeBeforeLog({ sql, config }: Runtime, input: ObservedInput): void {
  const beginning = loadBeginning(sql);
  if (beginning === null) {
    insertSafeInput(sql, input, input.payload);
    return;
  }
  const isOwn = input.sender === config.submitter;
  const isAccepted =
    beginning.landingIndex === null &&
    decideAcceptance(beginning.expected, input, config.submitter).accepted;
  const isLanding = isAccepted && beginning.expected === beginning.nonce;
  insertSafeInput(sql, input, isNeeded(beginning, input, isOwn, isLanding) ? input.payload : null);
  if (isAccepted) noteExpected(sql, isLanding ? input.index : null);
}

/** Own batches up to the landing, and direct inputs up to its last frame, are in the state. */
function isNeeded(
  { landingIndex, drainedBlock }: Beginning,
  input: ObservedInput,
  isOwn: boolean,
  isLanding: boolean,
): boolean {
  if (!isOwn) return input.blockNumber > drainedBlock;
  return landingIndex !== null || isLanding;
}
