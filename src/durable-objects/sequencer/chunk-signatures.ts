/**
 * The leader's signatures of its chunks, from the key to the rows (C2, C3).
 *
 * A chunk is committed first and signed after; its signature is stored with the next certificate, or
 * after a while. In between it is here, and dies with the object: then the chunk is signed again, which
 * is harmless, since what is compared anywhere is the chunk's hash.
 */

import type { EpochManager } from "../../consensus/epoch-manager.ts";
import { type ChunkHeader, chunkPreimage, encodeHeader } from "../../core/chunk/header.ts";
import { leaderOf, type SignedHeader } from "../../core/consensus/signed-header.ts";
import type { AsyncSigner } from "../../core/consensus/types.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { transact } from "../shared/transact.ts";
import type { Runtime } from "./runtime.ts";
import { headersBetween } from "./storage/chunks.ts";
import type { SignatureBook } from "./storage/log-store.ts";
import { type StoredSignature, storeSignatures, unsignedHeights } from "./storage/signatures.ts";

/** Signatures wait so long for a certificate to be stored with: longer than from one round to the next. */
const STORE_MS = 2_000;
/** Chunks that are signed again together, after a wake-up. */
const PAGE = 256;

export class ChunkSignatures {
  readonly #runtime: Runtime;
  readonly #failed: (error: unknown) => void;
  /** Made and not stored yet, by height. */
  readonly #pending = new Map<number, StoredSignature>();
  #isStoreDue = false;

  constructor(runtime: Runtime, failed: (error: unknown) => void) {
    this.#runtime = runtime;
    this.#failed = failed;
  }

  readonly of = (height: number): StoredSignature | null => this.#pending.get(height) ?? null;

  /** Of a chunk that is committed. */
  async sign(
    signer: AsyncSigner,
    header: ChunkHeader,
    encoded: Uint8Array = encodeHeader(header),
  ): Promise<SignedHeader> {
    const signature = await signer.sign(chunkPreimage(header, encoded));
    const { scheme } = signer;
    this.#pending.set(header.height, { scheme, signature });
    if (!this.#isStoreDue) {
      this.#isStoreDue = true;
      this.#runtime.later(() => this.#storeLater(), STORE_MS);
    }
    return { header, scheme, signature };
  }

  /** Chunks that an earlier life committed and did not sign, or signed and did not store. */
  async signAgain(signer: AsyncSigner, manager: EpochManager): Promise<void> {
    const { sql } = this.#runtime;
    for (let heights = unsignedHeights(sql, PAGE); heights.length > 0; ) {
      const wanted = new Set(heights);
      const range = [(heights[0] ?? 0) - 1, heights.at(-1) ?? 0] as const;
      const headers = headersBetween(sql, ...range).filter(({ height, epoch }) => {
        const known = manager.record(epoch);
        const isOwn = known !== null && bytesEqual(leaderOf(known.record).key, signer.publicKey);
        return wanted.has(height) && isOwn;
      });
      await Promise.all(headers.map((header) => this.sign(signer, header)));
      this.#store();
      // What another key led is not signed here; it would come again and again.
      if (headers.length < heights.length) return;
      heights = unsignedHeights(sql, PAGE);
    }
  }

  /** `settled`: resolves when every chunk that was committed before the call is signed. */
  book(settled: () => Promise<void>): SignatureBook {
    return {
      settled,
      of: this.of,
      due: (through) => [...this.#pending].filter(([height]) => height <= through),
      stored: (through) => {
        for (const height of this.#pending.keys()) {
          if (height <= through) this.#pending.delete(height);
        }
      },
    };
  }

  #storeLater(): void {
    this.#isStoreDue = false;
    try {
      this.#store();
    } catch (error) {
      this.#failed(error);
    }
  }

  #store(): void {
    const due = [...this.#pending];
    if (due.length === 0) return;
    const { storage, sql } = this.#runtime;
    transact(storage, () => storeSignatures(sql, due));
    // Only now: had the transaction failed, they would be needed again.
    for (const [height] of due) this.#pending.delete(height);
  }
}
