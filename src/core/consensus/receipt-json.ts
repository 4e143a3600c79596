/**
 * The JSON form of a receipt (C2): canonical bytes as lower-case hex, lists end to end.
 *
 *     {"version":1,"tier":"certified","header":"0x…","scheme":"p256","signature":"0x…","event":"0x…",
 *      "index":3,"path":"0x…","headers":"0x…","certificate":"0x…"}
 *
 * `ordered` has neither of the last two. The parser takes each field once, in any order, and no others;
 * it judges the form and its bounds, and believes nothing.
 */

import { hexToBytes } from "@noble/hashes/utils.js";
import { JsonReader } from "../api/json-reader.ts";
import { type ChunkEvent, decodeEvents, encodeEvent } from "../chunk/event.ts";
import { type ChunkHeader, encodeHeader } from "../chunk/header.ts";
import { toHex } from "../types/hex.ts";
import { INPUT_PAYLOAD_BYTES_MAX } from "../types/protocol.ts";
import { err, ok, type Result } from "../types/result.ts";
import { U32_MAX } from "../types/units.ts";
import { type Certificate, decodeCertificate, encodeCertificate } from "./certificate.ts";
import { decodeAll, type FormatReader } from "./encoding.ts";
import { type Placement, RECEIPT_HEADERS_MAX, type Receipt } from "./receipt.ts";
import { HEADER_BYTES, readHeader } from "./signed-header.ts";
import { SCHEME_PARAMETERS, type SchemeId } from "./types.ts";

/** Characters of the whole text. */
export const RECEIPT_TEXT_MAX: number = 4 * 1024 * 1024;
/** A direct input is the largest event: 101 bytes and its payload. */
const EVENT_BYTES_MAX = 101 + INPUT_PAYLOAD_BYTES_MAX;
const HASH_BYTES = 32;
/** Siblings in a tree with as many leaves as a u32 counts. */
const PATH_MAX = 32;
/** A certificate of the greatest committee is some 6 200 bytes. */
const CERTIFICATE_BYTES_MAX = 8 * 1024;

const ORDERED = ["tier", "header", "scheme", "signature", "event", "path"];
const CERTIFIED = [...ORDERED, "headers", "certificate"];
const HEX = /^0x(?:[0-9a-f]{2})*$/;

/** A receipt as clients get it. */
export type ReceiptText = { readonly tier: Receipt["tier"]; readonly text: string };

/** An `ordered` receipt as canonical bytes. */
export type EncodedPlacement = Pick<Placement, "index" | "path"> & {
  readonly header: Uint8Array;
  readonly scheme: SchemeId;
  readonly signature: Uint8Array;
  readonly event: Uint8Array;
};

export function receiptText(receipt: Receipt): ReceiptText {
  return { tier: receipt.tier, text: formatReceipt(receipt) };
}

/** Every confirmed op gets one: whoever wrote its chunk has the bytes at hand. */
export function orderedReceiptText(placement: EncodedPlacement): ReceiptText {
  return { tier: "ordered", text: `{${formatPlacement("ordered", placement)}}` };
}

export function formatReceipt(receipt: Receipt): string {
  const { header, event, index, path } = receipt;
  const encoded = { header: encodeHeader(header.header), event: encodeEvent(event), index, path };
  const { scheme, signature } = header;
  const placement = formatPlacement(receipt.tier, { ...encoded, scheme, signature });
  if (receipt.tier === "ordered") return `{${placement}}`;
  const headers = joined(receipt.headers.map(encodeHeader));
  const certificate = toHex(encodeCertificate(receipt.certificate));
  return `{${placement},"headers":"${headers}","certificate":"${certificate}"}`;
}

function formatPlacement(
  tier: Receipt["tier"],
  { header, scheme, signature, event, index, path }: EncodedPlacement,
): string {
  const signed = `"header":"${toHex(header)}","scheme":"${scheme}","signature":"${toHex(signature)}"`;
  const placed = `"event":"${toHex(event)}","index":${index},"path":"${joined(path)}"`;
  return `"version":1,"tier":"${tier}",${signed},${placed}`;
}

function joined(parts: readonly Uint8Array[]): string {
  return `0x${parts.map((part) => toHex(part).slice(2)).join("")}`;
}

/** Errors: what is wrong. */
export function parseReceipt(text: string): Result<Receipt, string> {
  if (text.length > RECEIPT_TEXT_MAX) return err("too long");
  const fields = readFields(text);
  if (fields === null) return err("not a receipt");
  const tier = fields.text("tier");
  if (tier === "ordered") {
    const placement = readPlacement(fields);
    return fields.finish(placement === null ? null : { tier, ...placement }, ORDERED);
  }
  if (tier !== "certified") return err("bad tier");
  const placement = readPlacement(fields);
  const [headers, certificate] = [readHeaders(fields), readCertificate(fields)];
  const isWhole = placement !== null && headers !== null && certificate !== null;
  return fields.finish(isWhole ? { tier, ...placement, headers, certificate } : null, CERTIFIED);
}

/** Null unless the text is an object of known fields, each at most once, of this version. */
function readFields(text: string): Fields | null {
  const reader = new JsonReader(text);
  const texts = new Map<string, string>();
  const numbers = new Map<string, number>();
  const isObject = reader.object((name) => {
    if (name === "version") return keep(numbers, name, reader.unsigned(1));
    if (name === "index") return keep(numbers, name, reader.unsigned(U32_MAX));
    return CERTIFIED.includes(name) && keep(texts, name, reader.string());
  });
  if (!isObject || !reader.atEnd() || numbers.get("version") !== 1) return null;
  const index = numbers.get("index");
  return index === undefined ? null : new Fields(texts, index);
}

function keep<T>(into: Map<string, T>, name: string, value: T | null): boolean {
  if (value === null || into.has(name)) return false;
  into.set(name, value);
  return true;
}

/** Remembers the first field that is wrong; a wrong one reads as null. */
class Fields {
  readonly index: number;
  readonly #texts: ReadonlyMap<string, string>;
  #wrong: string | null = null;

  constructor(texts: ReadonlyMap<string, string>, index: number) {
    this.#texts = texts;
    this.index = index;
  }

  text(name: string): string | null {
    return this.#texts.get(name) ?? null;
  }

  /** Bytes in lower-case hex, at most `most`, for `decode` to make something of. */
  bytes<T>(name: string, most: number, decode: (bytes: Uint8Array) => T | null): T | null {
    const text = this.text(name) ?? "";
    const isHex = text.length <= 2 + 2 * most && HEX.test(text);
    return this.#noted(name, isHex ? decode(hexToBytes(text.slice(2))) : null);
  }

  scheme(): SchemeId | null {
    const text = this.text("scheme") ?? "";
    return this.#noted("scheme", text === "p256" || text === "ed25519" ? text : null);
  }

  /** The receipt, unless something was wrong or a field is there that its tier does not have. */
  finish(receipt: Receipt | null, names: readonly string[]): Result<Receipt, string> {
    const stray = [...this.#texts.keys()].find((name) => !names.includes(name));
    const wrong = this.#wrong ?? stray;
    return receipt === null || wrong !== undefined ? err(`bad ${wrong ?? "receipt"}`) : ok(receipt);
  }

  #noted<T>(name: string, value: T | null): T | null {
    if (value === null) this.#wrong ??= name;
    return value;
  }
}

function readPlacement(fields: Fields): Placement | null {
  const header = fields.bytes("header", HEADER_BYTES, whole(readHeader));
  const scheme = fields.scheme();
  const signatureBytes = scheme === null ? 0 : SCHEME_PARAMETERS[scheme].signatureBytes;
  const signature = fields.bytes("signature", signatureBytes, (bytes) =>
    bytes.length === signatureBytes ? bytes : null,
  );
  const event = fields.bytes("event", EVENT_BYTES_MAX, decodeOneEvent);
  const path = fields.bytes("path", PATH_MAX * HASH_BYTES, (bytes) => split(bytes, HASH_BYTES));
  if (header === null || scheme === null || signature === null) return null;
  if (event === null || path === null) return null;
  return { header: { header, scheme, signature }, event, index: fields.index, path };
}

function readHeaders(fields: Fields): readonly ChunkHeader[] | null {
  return fields.bytes("headers", RECEIPT_HEADERS_MAX * HEADER_BYTES, (bytes) => {
    const headers = split(bytes, HEADER_BYTES)?.map(whole(readHeader)) ?? null;
    return headers?.every((header) => header !== null) ? headers : null;
  });
}

function readCertificate(fields: Fields): Certificate | null {
  return fields.bytes("certificate", CERTIFICATE_BYTES_MAX, (bytes) => {
    const decoded = decodeCertificate(bytes);
    return decoded.ok ? decoded.value : null;
  });
}

/** A reader of one value as a decoder that answers null. */
function whole<T>(read: (reader: FormatReader) => T): (bytes: Uint8Array) => T | null {
  return (bytes) => {
    const decoded = decodeAll(bytes, read);
    return decoded.ok ? decoded.value : null;
  };
}

function decodeOneEvent(bytes: Uint8Array): ChunkEvent | null {
  const decoded = decodeEvents(bytes);
  const [event, ...more] = decoded.ok ? decoded.value : [];
  return event === undefined || more.length > 0 ? null : event;
}

/** Null unless `bytes` is whole pieces. */
function split(bytes: Uint8Array, size: number): readonly Uint8Array[] | null {
  if (bytes.length % size !== 0) return null;
  return Array.from({ length: bytes.length / size }, (_, i) =>
    bytes.slice(i * size, (i + 1) * size),
  );
}
