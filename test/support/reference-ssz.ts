/**
 * A second decoder of batches: one generic reader over a schema, as P§2.2 words its rules. It throws
 * where the first answers an error.
 */

import { toHex } from "../../src/core/types/hex.ts";
import type { Batch } from "../../src/core/wire/batch.ts";

type Schema =
  | { readonly of: "uint"; readonly bytes: 2 | 4 | 8 }
  | { readonly of: "bytes" }
  | { readonly of: "list"; readonly item: Schema }
  | { readonly of: "container"; readonly fields: readonly (readonly [string, Schema])[] };

type Plain = bigint | string | readonly Plain[] | { readonly [name: string]: Plain };

const OP: Schema = {
  of: "container",
  fields: [
    ["nonce", { of: "uint", bytes: 4 }],
    ["maxFee", { of: "uint", bytes: 2 }],
    ["data", { of: "bytes" }],
    ["signature", { of: "bytes" }],
  ],
};
const FRAME: Schema = {
  of: "container",
  fields: [
    ["userOps", { of: "list", item: OP }],
    ["safeBlock", { of: "uint", bytes: 8 }],
    ["feePrice", { of: "uint", bytes: 2 }],
  ],
};
const BATCH: Schema = {
  of: "container",
  fields: [
    ["nonce", { of: "uint", bytes: 8 }],
    ["frames", { of: "list", item: FRAME }],
  ],
};

function littleEndian(bytes: readonly number[]): bigint {
  return bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
}

function require(condition: boolean): void {
  if (!condition) throw new RangeError("refused");
}

function offsetAt(bytes: readonly number[], at: number): number {
  require(at + 4 <= bytes.length);
  const offset = Number(littleEndian(bytes.slice(at, at + 4)));
  require(offset <= bytes.length);
  return offset;
}

function referenceDecode(schema: Schema, bytes: readonly number[]): Plain {
  switch (schema.of) {
    case "uint":
      require(bytes.length === schema.bytes);
      return littleEndian(bytes);
    case "bytes":
      return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    case "list":
      return referenceList(schema.item, bytes);
    case "container":
      return referenceContainer(schema.fields, bytes);
  }
}

function referenceList(item: Schema, bytes: readonly number[]): Plain {
  if (bytes.length === 0) return [];
  const first = offsetAt(bytes, 0);
  require(first >= 4 && first % 4 === 0);
  const items: Plain[] = [];
  let start = first;
  for (let i = 1; i <= first / 4; i++) {
    const end = i === first / 4 ? bytes.length : offsetAt(bytes, 4 * i);
    require(end >= first && end >= start);
    items.push(referenceDecode(item, bytes.slice(start, end)));
    start = end;
  }
  return items;
}

function referenceContainer(
  fields: readonly (readonly [string, Schema])[],
  bytes: readonly number[],
): Plain {
  const plain: Record<string, Plain> = {};
  const variable: { name: string; schema: Schema; offset: number }[] = [];
  let at = 0;
  for (const [name, schema] of fields) {
    if (schema.of === "uint") {
      require(at + schema.bytes <= bytes.length);
      plain[name] = referenceDecode(schema, bytes.slice(at, at + schema.bytes));
      at += schema.bytes;
    } else {
      variable.push({ name, schema, offset: offsetAt(bytes, at) });
      at += 4;
    }
  }
  variable.forEach(({ name, schema, offset }, i) => {
    if (i === 0) require(offset === at);
    const end = variable[i + 1]?.offset ?? bytes.length;
    require(end >= offset);
    plain[name] = referenceDecode(schema, bytes.slice(offset, end));
  });
  return plain;
}

/** The reference's value as text, with fields in one order; null where it refuses. */
export function reference(bytes: Uint8Array): string | null {
  try {
    return printPlain(referenceDecode(BATCH, [...bytes]));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function printPlain(value: Plain): string {
  return JSON.stringify(value, (_name, one: unknown) => {
    if (typeof one === "bigint") return one.toString();
    if (typeof one !== "object" || one === null || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const hex = (bytes: Uint8Array): string => toHex(bytes).slice(2);

function asPlain(batch: Batch): Plain {
  return {
    nonce: batch.nonce,
    frames: batch.frames.map((frame) => ({
      safeBlock: frame.safeBlock,
      feePrice: BigInt(frame.feePrice),
      userOps: frame.userOps.map((op) => ({
        nonce: BigInt(op.nonce),
        maxFee: BigInt(op.maxFee),
        data: hex(op.data),
        signature: hex(op.signature),
      })),
    })),
  };
}

/** One text per batch, so that equal means equal in every field. */
export function printBatch(batch: Batch): string {
  return printPlain(asPlain(batch));
}
