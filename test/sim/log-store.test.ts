/** The lane's log behind the library's store, over the real schema in memory. */

import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import type { PayloadStore } from "../../src/consensus/payload-store.ts";
import { chunkHash, encodeHeader } from "../../src/core/chunk/header.ts";
import type { Certificate } from "../../src/core/consensus/certificate.ts";
import { epoch, height as heightOf, memberIndex } from "../../src/core/consensus/types.ts";
import { address, fromHex, type Hash32 } from "../../src/core/types/hex.ts";
import { offset, unixMs } from "../../src/core/types/units.ts";
import { ZERO_HASH } from "../../src/durable-objects/sequencer/memory.ts";
import { retain } from "../../src/durable-objects/sequencer/retain.ts";
import { insertChunk } from "../../src/durable-objects/sequencer/storage/chunks.ts";
import { insertFacts } from "../../src/durable-objects/sequencer/storage/committee.ts";
import { logStore } from "../../src/durable-objects/sequencer/storage/log-store.ts";
import {
  loadSignature,
  type StoredSignature,
  storeSignatures,
} from "../../src/durable-objects/sequencer/storage/signatures.ts";
import { migrate } from "../../src/durable-objects/shared/migrate.ts";
import { filesUnder, textOf } from "../support/tree.ts";
import { asPlatform, SimStorage } from "./storage.ts";

const APP = address(`0x${"a9".repeat(20)}`);
const signature = (height: number): StoredSignature => ({
  scheme: "p256",
  signature: new Uint8Array(64).fill(height + 1),
});

/** So many chunks of 100 bytes, whose signatures wait to be stored. */
function written(count: number) {
  const db = new SimStorage();
  const migrations = filesUnder("migrations/sequencer");
  migrate(
    db.platform,
    migrations.map((file) => ({ name: basename(file, ".sql"), sql: textOf(file) })),
  );
  db.write(`INSERT INTO history (singleton, era, era_created_at_ms, anchor_nonce)
            VALUES (0, zeroblob(16), 0, 0)`);
  const hashes: Hash32[] = [];
  for (let height = 0; height < count; height++) {
    const at = { firstOffset: offset(1), nextOffset: offset(1) };
    const parent = hashes.at(-1) ?? ZERO_HASH;
    const of = { chainId: 1, app: APP, era: new Uint8Array(16), epoch: 0 };
    const header = { ...of, ...at, height, parent, root: ZERO_HASH, eventCount: 1 };
    const hash = chunkHash(header);
    const bytes = { header: encodeHeader(header), events: new Uint8Array(100) };
    insertChunk(db.sql, { ...at, height, epoch: 0, hash, ...bytes }, unixMs(0));
    insertFacts(db.sql, height, [{ kind: "watermark", walletNonce: height }]);
    hashes.push(hash);
  }
  const pending = new Map(hashes.map((_hash, height) => [height, signature(height)]));
  const store = logStore({
    grew: () => undefined,
    storage: db.platform,
    now: () => unixMs(5),
    adopt: () => Promise.resolve(),
    signatures: {
      settled: () => Promise.resolve(),
      of: (height) => pending.get(height) ?? null,
      due: (through) => [...pending].filter(([height]) => height <= through),
      stored: (through) => {
        for (const height of pending.keys()) if (height <= through) pending.delete(height);
      },
    },
  });
  const certificate = (height: number): Certificate => ({
    epoch: epoch(0),
    recordHash: ZERO_HASH,
    chunk: { height: heightOf(height), hash: hashes[height] ?? ZERO_HASH },
    signatures: {
      scheme: "p256",
      members: 1,
      signers: [memberIndex(0)],
      signatures: [new Uint8Array(64)],
    },
  });
  return { db, store, pending, hashes, certificate };
}

const heights = async (store: PayloadStore, from: number, through: number, bytes: number) =>
  (await store.page(from, through, bytes)).map(({ ref, bytes: payload }) => [
    Number(ref.height),
    payload?.length ?? null,
  ]);

test("[C3] signatures are stored in any order, with gaps and of either scheme, each at its own height", () => {
  const { db } = written(6);
  const other: StoredSignature = { ...signature(4), scheme: "ed25519" };
  storeSignatures(db.sql, [
    [3, signature(3)],
    [1, signature(1)],
    [0, signature(0)],
    [4, other],
  ]);
  const stored = [0, 1, 2, 3, 4, 5].map((height) => loadSignature(db.sql, height));
  expect(stored).toEqual([signature(0), signature(1), null, signature(3), other, null]);
  storeSignatures(db.sql, []);
  expect(() => storeSignatures(db.sql, [[3, signature(3)]])).toThrow("UNIQUE");
});

describe("[C2] a certificate", () => {
  test("is stored with the signatures up to it, in one transaction", async () => {
    const { db, store, pending, certificate } = written(4);
    await store.certify(certificate(2));
    expect([...pending.keys()]).toEqual([3]);
    expect(loadSignature(db.sql, 2)).toEqual(signature(2));
    expect(loadSignature(db.sql, 3)).toBeNull();
    const { newest, certified } = await store.ends();
    expect([newest.height, certified.height]).toEqual([3, 2]);
    expect(await store.certificateFor(1)).toEqual(certificate(2));
    expect(await store.certificateFor(3)).toBeNull();
  });

  test("of a chunk that is not in the log leaves nothing, and the signatures wait", () => {
    const { db, store, pending, certificate } = written(2);
    const foreign = { ...certificate(1), chunk: { height: heightOf(1), hash: ZERO_HASH } };
    expect(() => store.certify(foreign)).toThrow("C2: a certificate names a stored chunk");
    expect([...pending.keys()]).toEqual([0, 1]);
    expect(loadSignature(db.sql, 0)).toBeNull();
  });

  test("that is known, or below a known one, changes nothing", async () => {
    const { store, certificate } = written(3);
    await store.certify(certificate(2));
    await store.certify(certificate(2));
    await store.certify(certificate(1));
    expect((await store.ends()).certified.height).toBe(2);
  });
});

describe("[C2] pages of the log", () => {
  test("end where the bytes do, with at least one chunk", async () => {
    const { store } = written(5);
    expect(await heights(store, 0, 4, 299)).toEqual([
      [0, 100],
      [1, 100],
    ]);
    expect(await heights(store, 0, 4, 300)).toHaveLength(3);
    expect(await heights(store, 3, 9, 1_000)).toEqual([
      [3, 100],
      [4, 100],
    ]);
    expect(await heights(store, 1, 4, 0)).toEqual([[1, 100]]);
    expect(await heights(store, 5, 9, 1_000)).toEqual([]);
  });

  test("carry the signature that waits as well as the one that is stored", async () => {
    const { store, certificate } = written(3);
    await store.certify(certificate(1));
    const page = await store.page(0, 2, 1_000);
    expect(page.map(({ signed }) => signed.signature[0])).toEqual([1, 2, 3]);
    expect(fromHex(page[1]?.signed.header.parent ?? "")).toEqual(fromHex(page[0]?.ref.hash ?? ""));
  });

  test("have no payloads up to the checkpoint, whose header stays", async () => {
    const { store, hashes, certificate } = written(4);
    await store.certify(certificate(2));
    expect(await store.prunedThrough()).toBeNull();
    await store.prune(2);
    expect(await store.prunedThrough()).toEqual({ height: 2, hash: hashes[2] });
    expect(await heights(store, 2, 3, 1_000)).toEqual([
      [2, null],
      [3, 100],
    ]);
  });
});

describe("[F8] retention under a committee", () => {
  test("takes what is below the checkpoint, and nothing from it on", async () => {
    const { db, store, certificate } = written(6);
    const runtime = {
      storage: db.platform,
      sql: db.sql,
      now: () => unixMs(1),
      config: {
        committee: { candidates: [], validators: [] },
        retentionBytes: 0,
        timing: { retentionMs: 0 },
      },
    };
    // An accepted snapshot far beyond these chunks allows them all to go.
    db.write("DROP TRIGGER history_available_from_accepted");
    const kept = () => db.read("SELECT MIN(height) AS h FROM chunks")[0]?.["h"];
    await store.certify(certificate(4));
    retain(asPlatform(runtime));
    expect(kept()).toBe(0);
    await store.prune(4);
    db.write(`INSERT INTO batches (batch_index, nonce, created_at_ms) VALUES (0, 0, 0);
              INSERT INTO snapshots VALUES (1, 0, 50, 0, zeroblob(32), 0, 0);
              INSERT INTO deployment_identity VALUES
                (0, 1, zeroblob(20), zeroblob(20), 0, zeroblob(20), 'x', '{}');
              INSERT INTO safe_inputs (safe_input_index, sender, payload, block_number,
                block_timestamp, transaction_hash) VALUES (0, zeroblob(20), NULL, 1, 1, zeroblob(32));
              UPDATE batches SET sealed_at_ms = 1, payload_hash = zeroblob(32), payload_bytes = 12;
              INSERT INTO safe_accepted_batches (safe_input_index, nonce, batch_index,
                first_frame_safe_block, inclusion_block) VALUES (0, 0, 0, 0, 1)`);
    while (retain(asPlatform(runtime)));
    expect(kept()).toBe(4);
    expect(await store.certificateFor(0)).toEqual(certificate(4));
  });
});
