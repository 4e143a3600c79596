/** A signed op as a client sends it, and the same with one difference. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import type { Rejection } from "../../src/core/api/rejection.ts";
import { parseTxRequest, type TxRequest } from "../../src/core/api/tx-request.ts";
import { verifySender } from "../../src/core/api/verify-sender.ts";
import { must } from "../../src/core/types/assert.ts";
import { parseAddress } from "../../src/core/types/hex.ts";
import type { Result } from "../../src/core/types/result.ts";
import { recoverAddress } from "../../src/core/wire/signature.ts";
import { domainSeparator } from "../../src/core/wire/user-op.ts";
import vectors from "../vectors/eip712.json" with { type: "json" };

/** The application's bound on `data` in these tests. */
export const MAX_DATA = 64;
/** The curve's order, in the digits of r and s. */
export const ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

const first = must(vectors.cases[0], "the vectors hold a case");
const { chainId } = vectors.domain;
const verifyingContract = must(
  parseAddress(vectors.domain.verifyingContract),
  "the vectors hold an address",
);
const separator = domainSeparator({ chainId, verifyingContract });
const curve = { keccak: keccak_256, recoverAddress };

/** The first op of the shared vectors. */
export const signed = {
  message: first.message,
  signature: first.signature,
  sender: first.sender,
};

export type Difference = {
  readonly message?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
};

/** The signed op with one difference; `undefined` leaves a field out. */
export function body({ message, ...rest }: Difference = {}): string {
  return JSON.stringify({ ...signed, message: { ...signed.message, ...message }, ...rest });
}

/** The op's signature with other r, s or v, in hex digits. */
export function signature({ r, s, v }: { r?: string; s?: string; v?: string }): string {
  const hex = signed.signature.slice(2);
  return `0x${r ?? hex.slice(0, 64)}${s ?? hex.slice(64, 128)}${v ?? hex.slice(128)}`;
}

export function parse(text: string): Result<TxRequest, Rejection> {
  return parseTxRequest(text, MAX_DATA);
}

/** Everything that the Worker does before it calls the object. */
export function check(text: string): Result<unknown, Rejection> {
  const parsed = parse(text);
  return parsed.ok ? verifySender(parsed.value, separator, curve) : parsed;
}
