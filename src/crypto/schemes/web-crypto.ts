/**
 * Verification by the platform, many times faster than the same in JavaScript.
 *
 * It is asked only for what the scheme's own rules let pass, and then gives their verdict. Where it
 * cannot serve, because it has no such algorithm or takes no such key, the scheme answers instead.
 */

import type { AsyncVerify, Verify } from "../../core/consensus/types.ts";
import { toHex } from "../../core/types/hex.ts";

export type PlatformScheme = {
  readonly algorithm: {
    readonly name: string;
    readonly namedCurve?: string;
    readonly hash?: string;
  };
  /** What is asked first: lengths, and whatever the platform would take and the scheme does not. */
  readonly isCandidate: (publicKey: Uint8Array, signature: Uint8Array) => boolean;
  /** The key as platforms import it; may throw. */
  readonly rawKey: (publicKey: Uint8Array) => Uint8Array;
  /** The scheme's own verdict. */
  readonly verify: Verify;
};

/** A committee, its candidates and those before them; all are dropped beyond this. */
const KEYS_MAX = 256;

export function createVerifier(scheme: PlatformScheme): AsyncVerify {
  const { algorithm, isCandidate, rawKey, verify } = scheme;
  // Imported keys, never promises of them: a promise belongs to the request that made it.
  const keys = new Map<string, CryptoKey>();
  const imported = async (publicKey: Uint8Array): Promise<CryptoKey> => {
    const name = toHex(publicKey);
    const known = keys.get(name);
    if (known !== undefined) return known;
    const raw = rawKey(publicKey).slice();
    const key = await crypto.subtle.importKey("raw", raw, algorithm, false, ["verify"]);
    if (keys.size >= KEYS_MAX) keys.clear();
    keys.set(name, key);
    return key;
  };
  return async (publicKey, message, signature) => {
    if (!isCandidate(publicKey, signature)) return false;
    // Copies, for the caller may change its bytes before the platform reads them.
    const [key, text, signed] = [publicKey.slice(), message.slice(), signature.slice()];
    try {
      return await crypto.subtle.verify(algorithm, await imported(key), signed, text);
    } catch {
      // No subtle outside of secure contexts, no Ed25519 in older browsers, or bytes that are no key.
      return verify(key, text, signed);
    }
  };
}
