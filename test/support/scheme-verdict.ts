/** The verdict of both halves of a scheme, for tests that hold them against each other (C3). */

import { p256 } from "@noble/curves/nist.js";
import { expect } from "vitest";
import { asyncVerify, schemes } from "../../src/crypto/schemes/registry.ts";

/** The schemes that platforms have. */
export type PlatformScheme = "p256" | "ed25519";

/** The verdict of noble's half and the platform's, once they agree on it. */
export async function verdict(
  scheme: PlatformScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const byPlatform = await asyncVerify[scheme](publicKey, message, signature);
  expect(schemes[scheme].verify(publicKey, message, signature)).toBe(byPlatform);
  return byPlatform;
}

/** What the platform says when nothing is asked before. */
export async function bareVerdict(
  scheme: PlatformScheme,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const algorithm =
    scheme === "p256"
      ? { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
      : { name: "Ed25519" };
  const raw = scheme === "p256" ? p256.Point.fromBytes(publicKey).toBytes(false) : publicKey;
  const imported = await crypto.subtle.importKey("raw", raw.slice(), algorithm, false, ["verify"]);
  return await crypto.subtle.verify(algorithm, imported, signature.slice(), message.slice());
}
