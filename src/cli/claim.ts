/** What a sequencer says its finalized state is: the digest and, with the operator's token, the bytes (V2, V3). */

import { type BlockNumber, blockNumber } from "../core/types/units.ts";
import { counterIn } from "./deployment.ts";
import { CommandFailure } from "./io.ts";
import { describeRefusal, type Json, type SequencerClient } from "./sequencer-client.ts";

export type Claim = {
  /** The L1 block at whose end the scheduler has this state. */
  readonly inclusionBlock: BlockNumber;
  readonly executedInputCount: number;
  /** 64 lower-case hex digits. */
  readonly sha256: string;
  /** Null without the operator's token. */
  readonly bytes: Uint8Array | null;
};

/** The digest moves on while the bytes are asked for; so often both are asked again. */
const ATTEMPTS = 10;
const DIGEST = "/finalized_state/digest";
const STATE = "/finalized_state";
const SHA256 = /^[0-9a-f]{64}$/;

/** Digest and bytes of one and the same state. Throws `CommandFailure`. */
export async function askClaim(client: SequencerClient, hasToken: boolean): Promise<Claim> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const answer = await client.get(DIGEST);
    if (answer.status !== 200) throw new CommandFailure(describeRefusal(DIGEST, answer));
    const digest = parseDigest(answer.body);
    if (!hasToken) return { ...digest, bytes: null };
    const state = await client.getState(STATE);
    if (state.status !== 200) {
      throw new CommandFailure(`${STATE}: ${state.status}, is the token right?`);
    }
    if (state.headers.get("x-inclusion-block") === String(digest.inclusionBlock)) {
      return { ...digest, bytes: state.bytes };
    }
  }
  throw new CommandFailure("the finalized state moves faster than it can be read");
}

function parseDigest(body: Json): Omit<Claim, "bytes"> {
  const inclusionBlock = counterIn(body, "inclusion_block");
  const executedInputCount = counterIn(body, "executed_input_count");
  const sha256 = body["sha256"];
  const isHash = typeof sha256 === "string" && SHA256.test(sha256);
  if (inclusionBlock === undefined || executedInputCount === undefined || !isHash) {
    throw new CommandFailure(`${DIGEST} has not the shape of a digest`);
  }
  return { inclusionBlock: blockNumber(inclusionBlock), executedInputCount, sha256 };
}
