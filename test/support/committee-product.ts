/** A product with a committee, as its users meet it: certified answers, certificates, epochs, members' own words. */

import { expect } from "vitest";
import type { Sender } from "../../bench/ops.ts";
import type { EpochsBody, ValidatorBody } from "../../src/core/api/committee-api.ts";
import type { CommitteeBody, HealthBody } from "../../src/core/api/sequencer-api.ts";
import { type Certificate, decodeCertificate } from "../../src/core/consensus/certificate.ts";
import { decodeSignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import type { ReceiptProof } from "../../src/core/consensus/verify-receipt.ts";
import { must } from "../../src/core/types/assert.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { fromHex } from "../../src/core/types/hex.ts";
import type { CommitteeOptions } from "../../src/local/committee.ts";
import type { Member } from "../../src/local/members.ts";
import type { StackOptions } from "../../src/local/stack-options.ts";
import { type Epochs, verifyReceipt } from "../../src/sdk/verify-receipt.ts";
import { type Answer, type Product, postTx, startProduct } from "./product.ts";

export const COMMITTEE: CommitteeOptions = { validators: 4, candidates: 1, isSpread: false };
const CERTIFICATES_PAGE = 256;

export function startCommittee(
  committee: Partial<CommitteeOptions> = {},
  options: Partial<StackOptions> = {},
): Promise<Product> {
  return startProduct({ committee: { ...COMMITTEE, ...committee }, savesChain: false, ...options });
}

/** A transfer whose answer waits for its certificate. */
export function postCertified(
  product: Product,
  from: Sender,
  to: Address,
  url: string = product.stack.url,
): Promise<Answer> {
  return postTx(url, product.transfer(from, to, 1n), "?wait=certified");
}

export async function ask<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

export function healthOf(url: string): Promise<HealthBody> {
  return ask(`${url}/healthz`);
}

/** Throws when the body shows no committee. */
export async function committeeOf(url: string): Promise<CommitteeBody> {
  return must((await healthOf(url)).committee, "the sequencer has a committee");
}

/** What a validator says of itself. */
export function statusOf({ url, name }: Member): Promise<ValidatorBody> {
  return ask(`${url}/committee/validator/${name}`);
}

/** All records, and the hash of the first as `/deployment` pins it. */
export async function epochsOf(url: string): Promise<Epochs> {
  const { committee } = await ask<{ committee: { genesis: string } }>(`${url}/deployment`);
  const records: string[] = [];
  for (let path = "/epochs"; ; ) {
    const page = await ask<EpochsBody>(`${url}${path}`);
    expect(page.genesis).toBe(committee.genesis);
    const last = page.records.at(-1);
    if (last === undefined) return { genesis: committee.genesis, records };
    records.push(...page.records);
    path = `/epochs?after=${epochOf(last)}`;
  }
}

function epochOf(record: string): number {
  const decoded = decodeSignedRecord(fromHex(record));
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value.record.epoch;
}

/** Every certificate above this height that is kept. */
export async function certificatesOf(url: string, after = -1): Promise<readonly Certificate[]> {
  const all: Certificate[] = [];
  for (let cursor = after; ; ) {
    const query = cursor < 0 ? "" : `&after=${cursor}`;
    const page = await ask<{ certificates: { certificate: string; height: number }[] }>(
      `${url}/certificates?limit=${CERTIFICATES_PAGE}${query}`,
    );
    for (const { certificate, height } of page.certificates) {
      const decoded = decodeCertificate(fromHex(certificate));
      if (!decoded.ok) throw new Error(decoded.error);
      all.push(decoded.value);
      cursor = height;
    }
    if (page.certificates.length === 0) return all;
  }
}

/** What the receipt of an answer proves to whoever pinned the first record; throws when it proves nothing. */
export async function proofIn(
  body: Readonly<Record<string, unknown>>,
  epochs: Epochs,
): Promise<ReceiptProof> {
  const proof = await verifyReceipt(JSON.stringify(body["receipt"]), epochs);
  if (!proof.ok) throw new Error(`${proof.error.about}: ${proof.error.problem}`);
  return proof.value;
}
