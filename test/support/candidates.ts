/** Candidates in processes of their own, as an operator handles them: who leads, transfers, kills, and what they hold. */

import { join } from "node:path";
import { expect } from "vitest";
import { chunkHash, decodeHeader } from "../../src/core/chunk/header.ts";
import { decodeCertificate } from "../../src/core/consensus/certificate.ts";
import { ZERO_HASH } from "../../src/core/consensus/encoding.ts";
import type { ChunkRef } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import type { Hash32 } from "../../src/core/types/hex.ts";
import { FILES } from "../../src/local/data-dir.ts";
import { healthOf } from "./committee-product.ts";
import { withDatabase } from "./database.ts";
import { type Product, until } from "./product.ts";

export type Machine = {
  readonly id: string;
  readonly url: string;
  readonly dataDir: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  start(): Promise<void>;
};

/** The one that was founded to lead comes first. */
export function candidatesOf({ stack, dataDir }: Product): readonly Machine[] {
  const first: Machine = {
    ...{ id: "a", url: stack.url, dataDir },
    kill: () => stack.killWorkerd(),
    start: () => stack.startWorkerd(),
  };
  const others = stack.members.flatMap((member): readonly Machine[] => {
    if (member.kind !== "sequencer") return [];
    const { name: id, url } = member;
    const folder = join(dataDir, FILES.members, id);
    return [{ id, url, dataDir: folder, kill: member.kill, start: member.start }];
  });
  return [first, ...others];
}

/** The one that serves as leader, as soon as there is one. */
export async function leaderAmong(machines: readonly Machine[], limitMs: number): Promise<Machine> {
  const leading = async (): Promise<Machine | undefined> => {
    const serves = await Promise.all(machines.map(servesAsLeader));
    return machines.find((_, i) => serves[i]);
  };
  return must(await until(leading, (one) => one !== undefined, limitMs), "it was waited for");
}

async function servesAsLeader({ url }: Machine): Promise<boolean> {
  const health = await healthOf(url).catch(() => null);
  return health?.mode === "serving" && health.committee?.is_leader === true;
}

/** Calls a method of op-conductor. Throws with the error that is answered. */
export async function conductor(
  { stack }: Product,
  { url }: Machine,
  method: string,
  params: readonly unknown[] = [],
): Promise<unknown> {
  const response = await fetch(`${url}/operator/rpc`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.operatorToken}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: `conductor_${method}`, params }),
  });
  const answer = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (answer.error !== undefined) throw new Error(answer.error.message);
  return answer.result;
}

/** A candidate's log, read while its process does not run. */
export type StoredLog = {
  /** By height. */
  readonly hashes: ReadonlyMap<number, Hash32>;
  readonly certified: readonly ChunkRef[];
};

/** Throws unless each chunk names the one before. */
export function storedLog(machine: Machine): StoredLog {
  return withDatabase(machine, (db) => {
    const chunks = db.prepare("SELECT header FROM chunks ORDER BY height").all();
    const hashes = new Map<number, Hash32>();
    let before: Hash32 | null = null;
    for (const { header: bytes } of chunks as { header: Uint8Array }[]) {
      const header = decodeHeader(bytes);
      if (!header.ok) throw new Error(header.error.reason);
      if (header.value.height === 0) expect(header.value.parent).toBe(ZERO_HASH);
      if (before !== null) expect(header.value.parent).toBe(before);
      before = chunkHash(header.value);
      hashes.set(header.value.height, before);
    }
    const rows = db.prepare("SELECT certificate FROM certificates ORDER BY height").all();
    const certified = (rows as { certificate: Uint8Array }[]).map(({ certificate }) => {
      const decoded = decodeCertificate(certificate);
      if (!decoded.ok) throw new Error(decoded.error);
      return decoded.value.chunk;
    });
    return { hashes, certified };
  });
}

/**
 * C6: two candidates hold one history. Every certificate that either stored, and every one of `more`, is of
 * a chunk of the longer log, in which each chunk names the one before.
 */
export function expectOneHistory(machines: readonly Machine[], more: readonly ChunkRef[]): void {
  const logs = machines.map(storedLog);
  const longest = logs.reduce((one, other) => (other.hashes.size > one.hashes.size ? other : one));
  const certified = [...logs.flatMap((log) => log.certified), ...more];
  expect(certified.length).toBeGreaterThan(0);
  expect(certified.filter(({ height, hash }) => longest.hashes.get(height) !== hash)).toEqual([]);
}
