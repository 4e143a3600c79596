/** The first record of a committee, signed by its members: where all of them run in one process (C9). */

import { ZERO_HASH } from "../core/consensus/encoding.ts";
import { joiningMembers, type SignedRecord } from "../core/consensus/epoch-chain.ts";
import {
  type EpochRecord,
  firstOffset,
  type KnownRecord,
  majority,
  sortCandidates,
  sortMembers,
} from "../core/consensus/epoch-record.ts";
import { knownRecord, recordPreimage } from "../core/consensus/epoch-record-bytes.ts";
import { combineSignatures } from "../core/consensus/multi-signature.ts";
import { type AsyncSigner, candidateIndex, epoch, type Schemes } from "../core/consensus/types.ts";
import { must } from "../core/types/assert.ts";
import { bytesEqual } from "../core/types/bytes.ts";
import type { Address } from "../core/types/hex.ts";
import { offset } from "../core/types/units.ts";

export type Founding = {
  readonly chainId: number;
  readonly app: Address;
  /** 16 bytes. */
  readonly era: Uint8Array;
  /** All of one scheme. */
  readonly members: readonly { readonly signer: AsyncSigner; readonly endpoint: string }[];
  readonly candidates: readonly {
    readonly id: string;
    readonly signer: AsyncSigner;
    readonly endpoint: string;
  }[];
  /** Id of the first leader. */
  readonly leader: string;
  /** Null: a majority. */
  readonly quorum: number | null;
};

/** Epoch 0 of an empty log, with the signature of every member. */
export async function foundCommittee(
  founding: Founding,
  schemes: Schemes,
): Promise<{ readonly signed: SignedRecord; readonly known: KnownRecord }> {
  const record = foundingRecord(founding);
  const message = recordPreimage(record);
  const joining = await Promise.all(
    joiningMembers(record, null).map(async (member) => {
      const { key } = must(record.members[member], "who joins is a member");
      const found = founding.members.find(({ signer }) => bytesEqual(signer.publicKey, key));
      const signature = await must(found, "each member has a signer").signer.sign(message);
      return { member, signature };
    }),
  );
  const byJoining = combineSignatures(schemes[record.scheme], record.members.length, joining);
  return { signed: { record, byPrevious: null, byJoining }, known: knownRecord(record) };
}

function foundingRecord(founding: Founding): EpochRecord {
  const { chainId, app, era, members, leader, quorum } = founding;
  const candidates = sortCandidates(
    founding.candidates.map(({ id, endpoint, signer }) => ({
      ...{ id, endpoint, scheme: signer.scheme, key: signer.publicKey },
    })),
  );
  const keepThrough = offset(0);
  return {
    chainId,
    app,
    era,
    epoch: epoch(0),
    previous: ZERO_HASH,
    scheme: must(members[0], "a committee has members").signer.scheme,
    quorum: quorum ?? majority(members.length),
    members: sortMembers(
      members.map(({ signer, endpoint }) => ({
        ...{ key: signer.publicKey, proof: signer.proof, endpoint },
      })),
    ),
    candidates,
    leader: candidateIndex(candidates.findIndex(({ id }) => id === leader)),
    start: { inherited: null, keepThrough, firstOffset: firstOffset(epoch(0), null, keepThrough) },
  };
}
