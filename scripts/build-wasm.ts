/**
 * Puts the WebAssembly that the Worker imports into `build/wasm`, out of installed packages.
 *
 * workerd compiles WebAssembly only from imported modules, and packages keep theirs in places of their
 * own or as base64 inside JavaScript, so it is written out at build time and never committed. Each
 * binary is pinned by its SHA-256, because `src/crypto` relies on its exports and its layout in memory.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

type Binary = {
  readonly name: string;
  readonly sha256: string;
  /** Inside `node_modules`: the binary itself, or JavaScript that holds it as its only base64 text. */
  readonly source: string;
};

const BINARIES: readonly Binary[] = [
  {
    name: "secp256k1.wasm",
    sha256: "7b0c1694b325e3a9754be669514295372260f6853698518fca3a869b0031a98b",
    source: "@bitauth/libauth/build/lib/bin/secp256k1/secp256k1.wasm",
  },
  {
    name: "keccak.wasm",
    sha256: "fae7904eb164ea6bee813237d272a648356feb2153d043f969d010aca207d2dc",
    source: "hash-wasm/dist/keccak.umd.min.js",
  },
];

const ROOT = resolve(import.meta.dirname, "..");
/** Base64 of a WebAssembly binary: it starts with a zero byte and "asm". */
const BASE64_PATTERN = /["'`](AGFzbQ[A-Za-z0-9+/]{1000,}={0,2})["'`]/;

/**
 * Writes `secp256k1.wasm` and `keccak.wasm` into `outDir`, relative to the repository; what is there
 * and right stays untouched. Safe to run twice at once. Throws when a package is missing or other.
 */
export function buildWasm(outDir = "build/wasm"): void {
  const folder = resolve(ROOT, outDir);
  mkdirSync(folder, { recursive: true });
  for (const binary of BINARIES) {
    const target = join(folder, binary.name);
    if (existsSync(target) && sha256(readFileSync(target)) === binary.sha256) continue;
    const temporary = `${target}.${process.pid}`;
    writeFileSync(temporary, extract(binary));
    renameSync(temporary, target);
  }
}

function extract({ name, source, sha256: expected }: Binary): Uint8Array {
  const path = join(ROOT, "node_modules", source);
  if (!existsSync(path)) throw new Error(`${name}: node_modules/${source} is missing; run npm ci`);
  const bytes = source.endsWith(".wasm") ? readFileSync(path) : decodeText(path);
  if (sha256(bytes) !== expected) throw new Error(`${name}: ${source} is not the pinned binary`);
  return bytes;
}

function decodeText(path: string): Uint8Array {
  return Buffer.from(BASE64_PATTERN.exec(readFileSync(path, "utf8"))?.[1] ?? "", "base64");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
