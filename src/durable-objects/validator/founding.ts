/**
 * The founding as a member sees it: a key signs one record of epoch 0 in its life, and one is kept (C9).
 *
 * What is signed is written before it leaves. Another record is refused for ever, whoever asks.
 */

import type { FoundingBody } from "../../core/api/committee-api.ts";
import { badRequest, type Rejection, rejection } from "../../core/api/rejection.ts";
import {
  decodeSignedRecord,
  recordClaim,
  type SignedRecord,
} from "../../core/consensus/epoch-chain.ts";
import type { EpochRecord, KnownRecord } from "../../core/consensus/epoch-record.ts";
import {
  decodeRecord,
  knownRecord,
  recordPreimage,
} from "../../core/consensus/epoch-record-bytes.ts";
import { memberOf } from "../../core/consensus/validator-state.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { settleAsync } from "../../crypto/schemes/registry.ts";
import type { MemberKey } from "../shared/member-key.ts";
import { transact } from "../shared/transact.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { insertFounding, loadFounding, loadRecords } from "./storage/records.ts";
import { insertFirstState } from "./storage/state.ts";

const founded = rejection(409, "HISTORY_EXISTS", "another committee was founded");
const foreign = badRequest("not a founding record of this chain and application");
const unlisted = badRequest("the record does not list this validator");
const unsigned = badRequest("the record is not signed by its members");

/** The signature of this record, made once. */
export async function signFounding(
  { storage, sql, config }: ValidatorRuntime,
  { signer, generation }: MemberKey,
  bytes: Uint8Array,
): Promise<Result<Uint8Array, Rejection>> {
  const decoded = decodeRecord(bytes);
  if (!decoded.ok || !isFounding(decoded.value, config)) return err(foreign);
  const { record, hash } = knownRecord(decoded.value);
  if (record.scheme !== signer.scheme || memberOf(record, signer.publicKey) === null) {
    return err(unlisted);
  }
  const [genesis] = loadRecords(sql);
  if (genesis !== undefined && knownRecord(genesis.record).hash !== hash) return err(founded);
  const before = loadFounding(sql, generation);
  if (before !== null) return before.recordHash === hash ? ok(before.signature) : err(founded);
  const signature = await signer.sign(recordPreimage(record));
  // Another call may have signed meanwhile: what is written first is what was ever signed.
  const meanwhile = loadFounding(sql, generation);
  if (meanwhile !== null) {
    return meanwhile.recordHash === hash ? ok(meanwhile.signature) : err(founded);
  }
  transact(storage, () => insertFounding(sql, generation, { recordHash: hash, signature }));
  return ok(signature);
}

/** Keeps the signed record. A validator that joins later keeps one that does not list it. */
export async function storeFounding(
  { storage, sql, config }: ValidatorRuntime,
  { generation }: MemberKey,
  bytes: Uint8Array,
): Promise<Result<FoundingBody, Rejection>> {
  const decoded = decodeSignedRecord(bytes);
  if (!decoded.ok || !isFounding(decoded.value.record, config)) return err(foreign);
  const known = await verified(decoded.value);
  if (known === null) return err(unsigned);
  // From here to the write nothing waits.
  const [genesis] = loadRecords(sql);
  const hash =
    genesis === undefined
      ? loadFounding(sql, generation)?.recordHash
      : knownRecord(genesis.record).hash;
  if (hash !== undefined && hash !== known.hash) return err(founded);
  if (genesis === undefined) transact(storage, () => insertFirstState(sql, decoded.value));
  return ok({ ok: true, epoch: 0, hash: known.hash });
}

async function verified(signed: SignedRecord): Promise<KnownRecord | null> {
  const { hash } = knownRecord(signed.record);
  const claim = recordClaim(signed, { genesis: hash });
  if (!claim.ok) return null;
  const settled = await settleAsync(claim.value);
  return settled.ok ? settled.value : null;
}

/** Of epoch 0, from the beginning of a log, for this deployment. */
function isFounding(record: EpochRecord, config: ValidatorRuntime["config"]): boolean {
  return (
    record.epoch === 0 &&
    record.start.inherited === null &&
    record.chainId === config.chainId &&
    record.app === config.app
  );
}
