/**
 * Parses the body of `POST /tx`: rows 3 to 12 of P§4.1, in that order and with those texts (I1).
 *
 * Not here: the body's size and content type, which are HTTP, and what needs the curve or the
 * object. Strictness is that of the models' typed reader: integers are digits, a known field appears
 * once, unknown fields are stepped over, `data` is hex with or without `0x`. Two shapes of theirs
 * are not taken: arrays in place of the objects, and an array of numbers as `data`.
 */

import { hexToBytes } from "@noble/hashes/utils.js";
import { unreachable } from "../types/assert.ts";
import { type Address, address } from "../types/hex.ts";
import { SIGNATURE_BYTES } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";
import { type FeeExponent, feeExponent, U16_MAX, U32_MAX } from "../types/units.ts";
import { parseSignature, type RecoverError } from "../wire/signature.ts";
import { JsonReader } from "./json-reader.ts";
import { badRequest, invalidSignature, type Rejection } from "./rejection.ts";

/** A well-formed submission. `sender` is a claim until the signature is recovered (I2). */
export type TxRequest = {
  readonly sender: Address;
  /** u32 */
  readonly nonce: number;
  readonly maxFee: FeeExponent;
  readonly data: Uint8Array;
  /** 65 bytes r, s, v as the client sent them; they name a point and a parity. */
  readonly signature: Uint8Array;
};

/** `0x` and two digits per byte. */
const SIGNATURE_CHARS = 2 + 2 * SIGNATURE_BYTES;
const SENDER_CHARS = 2 + 2 * 20;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;

/** Row 3. Also the answer to a body that is not UTF-8. */
export const invalidJson: Rejection = badRequest("invalid JSON");

/** `text` is the whole body, at most `BODY_BYTES_MAX` bytes. No text makes this throw. */
export function parseTxRequest(
  text: string,
  maxMethodPayloadBytes: number,
): Result<TxRequest, Rejection> {
  const body = readBody(text);
  if (body === null) return err(invalidJson);
  const misshapen = inspectLengths(body, maxMethodPayloadBytes);
  if (misshapen !== null) return err(misshapen);
  const signature = parseHex(body.signature);
  if (!signature.ok) return signature;
  const point = parseSignature(signature.value);
  if (!point.ok) return err(signatureRejection(point.error));
  const sender = parseHex(body.sender);
  if (!sender.ok) return sender;
  return ok({
    sender: address(body.sender.toLowerCase()),
    nonce: body.nonce,
    maxFee: feeExponent(body.maxFee),
    data: body.data,
    signature: signature.value,
  });
}

/** Rows 9 to 11, and 13 when recovery itself fails. */
export function signatureRejection(error: RecoverError): Rejection {
  switch (error) {
    case "length":
      return badRequest("signature must be 65 bytes");
    case "parity":
      return invalidSignature("invalid signature parity");
    case "signature":
      return invalidSignature("invalid signature");
    case "recover":
      return invalidSignature("cannot recover sender");
    default:
      return unreachable(error);
  }
}

/** The typed fields of row 3; `signature` and `sender` are any strings yet. */
type Body = {
  readonly nonce: number;
  readonly maxFee: number;
  readonly data: Uint8Array;
  readonly signature: string;
  readonly sender: string;
};

/** Null for any problem of syntax, type, range, or a missing or repeated field. */
function readBody(text: string): Body | null {
  const read = new JsonReader(text);
  const message = new Field<true>();
  const [nonce, maxFee] = [new Field<number>(), new Field<number>()];
  const [data, signature, sender] = [new Field<string>(), new Field<string>(), new Field<string>()];
  const readMessage = (name: string): boolean => {
    if (name === "nonce") return nonce.set(read.unsigned(U32_MAX));
    if (name === "max_fee") return maxFee.set(read.unsigned(U16_MAX));
    return name === "data" ? data.set(read.string()) : read.skip();
  };
  const isObject = read.object((name) => {
    if (name === "message") return message.set(read.object(readMessage) ? true : null);
    if (name === "signature") return signature.set(read.string());
    return name === "sender" ? sender.set(read.string()) : read.skip();
  });
  if (!isObject || !read.atEnd()) return null;
  if (nonce.value === null || maxFee.value === null || data.value === null) return null;
  if (signature.value === null || sender.value === null) return null;
  const bytes = parseData(data.value);
  if (bytes === null) return null;
  return {
    nonce: nonce.value,
    maxFee: maxFee.value,
    data: bytes,
    signature: signature.value,
    sender: sender.value,
  };
}

/** A field that may be read once. */
class Field<T> {
  value: T | null = null;

  /** False when the field repeats, or when `value` is null because it could not be read. */
  set(value: T | null): boolean {
    const isFirst = this.value === null;
    this.value = value;
    return isFirst && value !== null;
  }
}

/** Rows 4 to 6. Lengths of the strings are bytes of UTF-8, so two of them may look 42 long. */
function inspectLengths(body: Body, maxMethodPayloadBytes: number): Rejection | null {
  if (utf8Length(body.signature) !== SIGNATURE_CHARS) {
    return badRequest(`signature must be ${SIGNATURE_CHARS} hex chars (0x + 65 bytes)`);
  }
  if (utf8Length(body.sender) !== SENDER_CHARS) {
    return badRequest(`sender must be ${SENDER_CHARS} hex chars (0x + 20 bytes)`);
  }
  const { length } = body.data;
  if (length <= maxMethodPayloadBytes) return null;
  return badRequest(
    `user op payload too large: max ${maxMethodPayloadBytes} bytes, got ${length} bytes`,
  );
}

/** `data` (P§2.8): hex, `0x` optional, either case; null when it is not that. */
function parseData(text: string): Uint8Array | null {
  const digits = text.startsWith("0x") ? text.slice(2) : text;
  return HEX.test(digits) ? hexToBytes(digits) : null;
}

/** Rows 7 and 8, and for the sender row 12. The detail repeats nothing of the request. */
function parseHex(text: string): Result<Uint8Array, Rejection> {
  if (!text.startsWith("0x")) return err(badRequest("hex string must start with 0x"));
  const digits = text.slice(2);
  if (!HEX.test(digits)) return err(badRequest("invalid hex: not a hexadecimal digit"));
  return ok(hexToBytes(digits));
}

/** Bytes of a well-formed string in UTF-8. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
