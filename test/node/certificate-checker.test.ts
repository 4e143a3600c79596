/** The certificate checker on a real chain: the clients' verdict, by the P-256 precompile. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { p256 } from "@noble/curves/nist.js";
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes } from "@noble/hashes/utils.js";
import {
  decodeErrorResult,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  parseAbi,
} from "viem";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildContracts, type ContractArtifact } from "../../scripts/build-contracts.ts";
import { type Certificate, encodeCertificate } from "../../src/core/consensus/certificate.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { encodeRecord, knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { must } from "../../src/core/types/assert.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { create2Address, deployClient, deployCreate2 } from "../../src/local/deploy.ts";
import { type Anvil, DEPLOYER_KEY, startAnvil } from "../support/anvil.ts";
import { certify, recordOf, signersOf } from "../support/committee.ts";
import { example, signersAt } from "../support/committee-example.ts";

const abi = parseAbi([
  "function check(bytes record, bytes certificate, uint256[] ys) view returns (bytes32 recordHash, uint64 height, bytes32 chunkHash)",
  "error MalformedRecord()",
  "error MalformedCertificate()",
  "error WrongRecord()",
  "error NoQuorum(uint256 signers, uint256 quorum)",
  "error BadSignature(uint256 member)",
]);

const one = example();
const { first, validators, certificate } = one;
const chunk = one.chunks[2].ref;
/** Where the first signature begins when there are four members. */
const SIGNATURES_AT = 84;
const ORDER = p256.Point.CURVE().n;

let folder: string;
let bytecode: Hex;
let anvil: Anvil;
let checker: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "baton-contracts-"));
  buildContracts(folder);
  const artifact: ContractArtifact = JSON.parse(
    readFileSync(join(folder, "certificate-checker.json"), "utf8"),
  );
  bytecode = artifact.bytecode;
  checker = create2Address(bytecode);
  anvil = await startChecker("osaka");
});

/** A chain of this hardfork with the contract on it. */
async function startChecker(hardfork: string): Promise<Anvil> {
  const chain = await startAnvil({ args: ["--hardfork", hardfork] });
  const client = deployClient(chain.url, { chainId: chain.chainId, deployerKey: DEPLOYER_KEY });
  await deployCreate2(client, [bytecode]);
  return chain;
}

afterAll(async () => {
  await anvil?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Call = {
  readonly record: Uint8Array;
  readonly certificate: Uint8Array;
  readonly ys: readonly bigint[];
};

/** The arguments for a certificate under a record: the y of each signer's key. */
function callOf({ record }: KnownRecord, of: Certificate): Call {
  const ys = of.signatures.signers.map((signer) => {
    const { key } = must(record.members[signer], "a signer is a member");
    return p256.Point.fromBytes(key).toAffine().y;
  });
  return { record: encodeRecord(record), certificate: encodeCertificate(of), ys };
}

function encode({ record, certificate: bytes, ys }: Call): Hex {
  return encodeFunctionData({
    abi,
    functionName: "check",
    args: [toHex(record), toHex(bytes), ys],
  });
}

/** The answer, or the name of the error that it reverts with. */
async function check(
  call: Call,
  chain: Anvil = anvil,
): Promise<readonly [string, bigint, string] | string> {
  const body = await fetch(chain.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      ...{ jsonrpc: "2.0", id: 1, method: "eth_call" },
      params: [{ to: checker, data: encode(call) }, "latest"],
    }),
  });
  const answer = (await body.json()) as { result?: Hex; error?: { data?: Hex } };
  if (answer.result !== undefined) {
    return decodeFunctionResult({ abi, functionName: "check", data: answer.result });
  }
  return decodeErrorResult({ abi, data: answer.error?.data ?? "0x" }).errorName;
}

const honest = callOf(first, certificate);

function changed(at: number, by: number): Call {
  const bytes = honest.certificate.slice();
  bytes[at] = (bytes[at] ?? 0) ^ by;
  return { ...honest, certificate: bytes };
}

test("[C3] a quorum's certificate is accepted, with what it certifies", async () => {
  const expected = [first.hash, BigInt(chunk.height), chunk.hash];
  expect(await check(honest)).toEqual(expected);
  const all = callOf(first, certify(first, validators, chunk));
  expect(await check(all)).toEqual(expected);
  const gas = await Promise.all(
    [honest, all].map((call) =>
      anvil.rpc("eth_estimateGas", [{ to: checker, data: encode(call) }]),
    ),
  );
  console.log(`certificate check: ${gas.map(Number).join(" gas for 3 of 4, ")} gas for 4 of 4`);
  for (const one of gas) expect(Number(one)).toBeLessThan(150_000);
});

test("[C3] of any committee of P-256 keys, one byte of bitmap or more", async () => {
  for (const size of [1, 8, 9]) {
    const members = signersOf(
      "p256",
      Array.from({ length: size }, (_, i) => i + 1),
    );
    const known = knownRecord(recordOf(members));
    const [hash] = await check(
      callOf(known, certify(known, members.slice(-known.record.quorum), chunk)),
    );
    expect(hash).toBe(known.hash);
  }
});

test("[C3] a forged one is refused: chunk, height, signer, signature, key", async () => {
  expect(await check(changed(49, 1))).toBe("BadSignature");
  expect(await check(changed(48, 1))).toBe("BadSignature");
  expect(await check(changed(SIGNATURES_AT, 1))).toBe("BadSignature");
  expect(await check(changed(SIGNATURES_AT + 64 + 40, 1))).toBe("BadSignature");
  expect(await check(changed(83, 0b0110))).toBe("BadSignature");
  const [y, ...ys] = honest.ys;
  const { p } = p256.Point.CURVE();
  expect(await check({ ...honest, ys: [p - must(y, "a signer"), ...ys] })).toBe("BadSignature");
  expect(await check({ ...honest, ys: [must(y, "a signer") + 2n, ...ys] })).toBe("BadSignature");
  const strangers = signersOf("p256", [11, 12, 13, 14]);
  const theirs = knownRecord(recordOf(strangers));
  const forged = certify(theirs, signersAt(strangers, [0, 1, 3]), chunk);
  expect(await check(callOf(first, { ...forged, recordHash: first.hash }))).toBe("BadSignature");
});

test("[C3] one member's signature does not count twice", async () => {
  const bytes = honest.certificate.slice();
  bytes.copyWithin(SIGNATURES_AT + 64, SIGNATURES_AT, SIGNATURES_AT + 64);
  expect(await check({ ...honest, certificate: bytes })).toBe("BadSignature");
  const [y, , last] = honest.ys;
  const ys = [must(y, "a signer"), must(y, "a signer"), must(last, "a signer")];
  expect(await check({ ...honest, certificate: bytes, ys })).toBe("BadSignature");
});

test("[C3] fewer than the quorum are refused, whatever the bitmap says", async () => {
  const lax = { ...first, record: { ...first.record, quorum: 2 } };
  const few = certify(lax, signersAt(validators, [0, 1]), chunk);
  expect(await check(callOf(first, few))).toBe("NoQuorum");
  const bytes = encodeCertificate(few);
  bytes[83] = 0b0111;
  expect(await check({ ...callOf(first, few), certificate: bytes })).toBe("MalformedCertificate");
  expect(await check({ ...honest, certificate: bytes })).toBe("MalformedCertificate");
});

test("[C3] high s is refused, though the precompile takes it", async () => {
  const at = SIGNATURES_AT + 32;
  const s = bytesToNumberBE(honest.certificate.subarray(at, at + 32));
  const high = concatBytes(
    honest.certificate.subarray(0, at),
    numberToBytesBE(ORDER - s, 32),
    honest.certificate.subarray(at + 32),
  );
  expect(await check({ ...honest, certificate: high })).toBe("BadSignature");
});

test("[C3] a certificate is of one record, of its epoch, and of the scheme p256", async () => {
  const other = knownRecord(recordOf(validators, { chainId: 1 }));
  expect(await check({ ...honest, record: encodeRecord(other.record) })).toBe("WrongRecord");
  expect(await check(changed(8, 1))).toBe("WrongRecord");
  const lone = knownRecord(recordOf(signersOf("ed25519", [1, 2, 3, 4])));
  expect(await check({ ...honest, record: encodeRecord(lone.record) })).toBe("MalformedRecord");
  const weak = honest.record.slice();
  weak[86] = 2;
  expect(await check({ ...honest, record: weak })).toBe("MalformedRecord");
  expect(await check({ ...honest, record: honest.record.subarray(0, 100) })).toBe(
    "MalformedRecord",
  );
});

test("[C3] stray bits, spare bytes and other versions are refused", async () => {
  expect(await check(changed(83, 0b1_0000))).toBe("MalformedCertificate");
  expect(await check(changed(0, 3))).toBe("MalformedCertificate");
  expect(await check(changed(81, 3))).toBe("MalformedCertificate");
  expect(await check(changed(82, 1))).toBe("MalformedCertificate");
  const longer = concatBytes(honest.certificate, Uint8Array.of(0));
  expect(await check({ ...honest, certificate: longer })).toBe("MalformedCertificate");
  const shorter = honest.certificate.subarray(1);
  expect(await check({ ...honest, certificate: shorter })).toBe("MalformedCertificate");
  expect(await check({ ...honest, ys: honest.ys.slice(1) })).toBe("MalformedCertificate");
});

test("[C3] on a chain without the precompile nothing is accepted", async () => {
  const old = await startChecker("cancun");
  try {
    expect(await check(honest, old)).toBe("BadSignature");
  } finally {
    await old.stop();
  }
});
