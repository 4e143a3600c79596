/**
 * The key of a validator or candidate: made once, sealed at rest, never out of this object (C9).
 *
 * PKCS#8 bytes are sealed with AES-256-GCM under `SEQ_VALIDATOR_KEK`; what is sealed is bound to the
 * object's name and the key's generation, so a row that is moved opens nowhere else. The platform makes
 * the key and holds it while it signs; it cannot be read back from there. Table `member_keys` is the
 * same in every object that has one.
 */

import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { KeyCard } from "../../core/api/committee-api.ts";
import { type Rejection, rejection } from "../../core/api/rejection.ts";
import { domainPrefix, u64 } from "../../core/consensus/encoding.ts";
import type { AsyncSigner } from "../../core/consensus/types.ts";
import { assert } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { fromHex, toHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { generateP256Pkcs8, p256SecretOfPkcs8 } from "../../crypto/schemes/p256-pkcs8.ts";
import { createAsyncSigner } from "../../crypto/schemes/registry.ts";
import { transact } from "./transact.ts";

export const KEY_DOMAIN = "baton/key/v1";

export type MemberKey = { readonly signer: AsyncSigner; readonly generation: number };

/** `missing`: no KEK is configured. `wrong`: the stored key was sealed with another one. */
export type KeyProblem = "missing" | "wrong";

export type KeyKeeper = {
  readonly storage: DurableObjectStorage;
  /** Of the object, as its namespace knows it. */
  readonly objectName: string;
  /** 0x and 64 digits; null when none is configured. */
  readonly kek: string | null;
  readonly now: () => number;
};

type Row = {
  generation: number;
  public_key: ArrayBuffer;
  nonce: ArrayBuffer;
  sealed: ArrayBuffer;
};

/** The newest key, or the first one, which is made now. Call it where nothing else can run. */
export async function openKey(keeper: KeyKeeper): Promise<Result<MemberKey, KeyProblem>> {
  const { sql } = keeper.storage;
  const [row] = sql
    .exec<Row>(
      `SELECT generation, public_key, nonce, sealed FROM member_keys
       ORDER BY generation DESC LIMIT 1`,
    )
    .toArray();
  return row === undefined ? await makeKey(keeper, 0) : await unseal(keeper, row);
}

/** The key after the newest one. Call it where nothing else can run. */
export async function nextKey(keeper: KeyKeeper): Promise<Result<MemberKey, KeyProblem>> {
  const { next } = keeper.storage.sql
    .exec<{ next: number }>("SELECT COALESCE(MAX(generation) + 1, 0) AS next FROM member_keys")
    .one();
  return await makeKey(keeper, next);
}

async function makeKey(
  keeper: KeyKeeper,
  generation: number,
): Promise<Result<MemberKey, KeyProblem>> {
  const kek = await importKek(keeper.kek);
  if (kek === null) return err("missing");
  const pkcs8 = await generateP256Pkcs8();
  const signer = await signerOf(pkcs8);
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(aesGcm(keeper, generation, nonce), kek, pkcs8);
  transact(keeper.storage, () => {
    keeper.storage.sql.exec(
      "INSERT INTO member_keys VALUES (?, ?, ?, ?, ?)",
      generation,
      signer.publicKey,
      nonce,
      new Uint8Array(sealed),
      keeper.now(),
    );
  });
  return ok({ signer, generation });
}

async function unseal(keeper: KeyKeeper, row: Row): Promise<Result<MemberKey, KeyProblem>> {
  const { generation } = row;
  const kek = await importKek(keeper.kek);
  if (kek === null) return err("missing");
  const opened = await decrypt(aesGcm(keeper, generation, new Uint8Array(row.nonce)), kek, row);
  if (opened === null) return err("wrong");
  const signer = await signerOf(opened);
  assert(bytesEqual(signer.publicKey, new Uint8Array(row.public_key)), "a key is what was sealed");
  return ok({ signer, generation });
}

/** Null: sealed with another KEK, for another object, or damaged. */
async function decrypt(
  algorithm: SubtleCryptoEncryptAlgorithm,
  kek: CryptoKey,
  { sealed }: Row,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, kek, sealed));
  } catch {
    // The platform says no more than that the tag does not match.
    return null;
  }
}

async function importKek(kek: string | null): Promise<CryptoKey | null> {
  if (kek === null) return null;
  const bytes = fromHex(kek.toLowerCase()).slice();
  return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function aesGcm(
  { objectName }: KeyKeeper,
  generation: number,
  nonce: Uint8Array<ArrayBuffer>,
): SubtleCryptoEncryptAlgorithm {
  const name = utf8ToBytes(objectName);
  const additionalData = concatBytes(
    ...[domainPrefix(KEY_DOMAIN), u64(name.length), name, u64(generation)],
  );
  return { name: "AES-GCM", iv: nonce, additionalData: additionalData.slice() };
}

async function signerOf(pkcs8: Uint8Array): Promise<AsyncSigner> {
  return await createAsyncSigner("p256", p256SecretOfPkcs8(pkcs8));
}

/** What everybody may know of a key. */
export function cardOf({ signer, generation }: MemberKey): KeyCard {
  const { publicKey, proof, scheme } = signer;
  return { key: toHex(publicKey), proof: toHex(proof), scheme, generation };
}

export function keyRefused(problem: KeyProblem): Rejection {
  const why =
    problem === "missing"
      ? "SEQ_VALIDATOR_KEK is not set"
      : "the key was sealed with another SEQ_VALIDATOR_KEK";
  return rejection(503, "UNAVAILABLE", why);
}
