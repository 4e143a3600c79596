/** A node's surroundings where there is a real platform: its time, its randomness, its cryptography. */

import { sha256 } from "@noble/hashes/sha2.js";
import { type Certificate, certificateClaim } from "../core/consensus/certificate.ts";
import type { KnownRecord } from "../core/consensus/epoch-record.ts";
import { type Hash32, hashFromBytes } from "../core/types/hex.ts";
import { schemes, settleAsync } from "../crypto/schemes/registry.ts";
import { type Judge, type Surroundings, systemClock } from "./clock.ts";
import type { Transport } from "./transport.ts";

/** Signatures by WebCrypto where it has the scheme, else by JavaScript: one verdict (C3). */
export const platformJudge: Judge = { schemes, settle: settleAsync };

export function platformSurroundings(transport: Transport): Surroundings {
  return { clock: systemClock, random: Math.random, transport, judge: platformJudge };
}

/** Whether a quorum of this record's members signed the certificate: nothing else has to be asked. */
export async function verifyCertificate(
  certificate: Certificate,
  known: KnownRecord,
): Promise<boolean> {
  const claim = certificateClaim(certificate, known);
  return claim.ok && (await settleAsync(claim.value)).ok;
}

/** SHA-256: the digest of a payload whose bytes are the same for equal payloads alone. */
export function digestOf(bytes: Uint8Array): Hash32 {
  return hashFromBytes(sha256(bytes));
}
