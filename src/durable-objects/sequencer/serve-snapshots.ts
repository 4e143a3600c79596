/**
 * Snapshots over HTTP, under leases: garbage collection keeps what is being streamed (V1, V2).
 *
 * Leases live in memory. If the object dies its streams die with it, so nothing needs to be reset.
 */

import {
  notFound,
  type Rejection,
  rejection,
  storageError,
  unavailable,
} from "../../core/api/rejection.ts";
import type { DigestBody, FinalizedBody } from "../../core/api/sequencer-api.ts";
import { decideThinning } from "../../core/lane/thinning.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { transact } from "../shared/transact.ts";
import type { Runtime } from "./runtime.ts";
import { divergedAtNonce } from "./storage/acceptance.ts";
import {
  deleteSnapshot,
  finalizedSnapshot,
  listSnapshots,
  loadPart,
  newestAcceptedSnapshot,
  newestValidSnapshot,
  type Snapshot,
  snapshotOf,
} from "./storage/snapshots.ts";

/** V2: streams at one time, and how long one may take. */
const LEASES_MAX = 8;
const LEASE_MS = 600_000;
/** V1: valid snapshots beyond the newest accepted one. */
const BEYOND_ACCEPTED_MAX = 8;

const leaseLimit: Rejection = {
  ...rejection(429, "OVERLOADED", "snapshot lease limit reached"),
  retryAfterS: 5,
};
const none: Rejection = notFound("no snapshot");
const diverged: Rejection = unavailable("refused");

type Lease = { readonly snapshotId: number; readonly untilMs: number };

export class Snapshots {
  readonly #runtime: Runtime;
  readonly #leases = new Set<Lease>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  finalized(): Result<FinalizedBody, Rejection> {
    const found = this.#finalized();
    if (!found.ok) return found;
    const { inclusionBlock, l2TxIndex } = found.value;
    return ok({ inclusion_block: inclusionBlock, l2_tx_index: l2TxIndex });
  }

  digest(): Result<DigestBody, Rejection> {
    const found = this.#finalized();
    if (!found.ok) return found;
    const { inclusionBlock, executedInputCount, sha256 } = found.value;
    return ok({
      inclusion_block: inclusionBlock,
      executed_input_count: executedInputCount,
      sha256,
    });
  }

  /** `GET /finalized_state`: the bytes, or 304 when the client's ETag is the current one. */
  streamFinalized(ifNoneMatch: string | null): Result<Response, Rejection> {
    const found = this.#finalized();
    if (!found.ok) return found;
    const { inclusionBlock } = found.value;
    const etag = `"block-${inclusionBlock}"`;
    const headers = {
      etag,
      "x-inclusion-block": String(inclusionBlock),
      "x-l2-tx-index": String(found.value.l2TxIndex),
    };
    if (ifNoneMatch === etag) return ok(new Response(null, { status: 304, headers }));
    return this.#stream(found.value, headers);
  }

  /** `GET /latest_snapshot`: the newest valid state; its header is a feed resume offset. */
  streamLatest(): Result<Response, Rejection> {
    const snapshot = newestValidSnapshot(this.#runtime.sql);
    if (snapshot === null) return err(none);
    return this.#stream(snapshot, { "x-l2-tx-index": String(snapshot.l2TxIndex) });
  }

  /** For a committee: a part of the state with this SHA-256, as a seal names it. */
  part(hash: Hash32, part: number): Result<Uint8Array, Rejection> {
    const { sql } = this.#runtime;
    const id = snapshotOf(sql, hash);
    const bytes = id === null ? null : loadPart(sql, id, part);
    return bytes === null ? err(notFound("no such part")) : ok(bytes);
  }

  /** V1. Frozen by divergence (N15). One transaction; idempotent. */
  collectGarbage(): void {
    const { sql, storage } = this.#runtime;
    if (divergedAtNonce(sql) !== null) return;
    const accepted = newestAcceptedSnapshot(sql);
    const finalized = finalizedSnapshot(sql);
    if (accepted === null) return;
    const leased = this.#leasedIds();
    const entries = listSnapshots(sql).map((entry) => ({
      ...entry,
      isLeased: leased.has(entry.snapshotId),
    }));
    const doomed = decideThinning(entries, {
      acceptedId: accepted.snapshotId,
      finalizedId: finalized?.snapshotId ?? null,
      beyondMax: BEYOND_ACCEPTED_MAX,
    });
    if (doomed.length === 0) return;
    transact(storage, () => {
      for (const id of doomed) deleteSnapshot(sql, id);
    });
  }

  #finalized() {
    const { sql } = this.#runtime;
    if (divergedAtNonce(sql) !== null) return err(diverged);
    const snapshot = finalizedSnapshot(sql);
    return snapshot === null ? err(none) : ok(snapshot);
  }

  #stream(snapshot: Snapshot, headers: Record<string, string>): Result<Response, Rejection> {
    const lease = this.#takeLease(snapshot.snapshotId);
    if (lease === null) return err(leaseLimit);
    const release = () => this.#leases.delete(lease);
    const runtime = this.#runtime;
    let part = 0;
    let left = snapshot.stateBytes;
    if (loadPart(runtime.sql, snapshot.snapshotId, 0) === null && left > 0) {
      release();
      return err(storageError);
    }
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const isExpired = runtime.now() > lease.untilMs;
        const bytes = isExpired ? null : loadPart(runtime.sql, snapshot.snapshotId, part++);
        if (left > 0 && bytes === null) {
          release();
          controller.error(new Error("the lease ended"));
          return;
        }
        if (bytes !== null) {
          left -= bytes.length;
          controller.enqueue(bytes);
        }
        if (left > 0) return;
        release();
        controller.close();
      },
      cancel() {
        release();
      },
    });
    return ok(
      new Response(body, {
        headers: { ...headers, "content-type": "application/octet-stream" },
      }),
    );
  }

  #takeLease(snapshotId: number): Lease | null {
    this.#leasedIds();
    if (this.#leases.size >= LEASES_MAX) return null;
    const lease = { snapshotId, untilMs: this.#runtime.now() + LEASE_MS };
    this.#leases.add(lease);
    return lease;
  }

  /** Drops expired leases and names what the others hold. */
  #leasedIds(): ReadonlySet<number> {
    const nowMs = this.#runtime.now();
    for (const lease of this.#leases) if (lease.untilMs < nowMs) this.#leases.delete(lease);
    return new Set([...this.#leases].map((lease) => lease.snapshotId));
  }
}
