/** Which snapshots garbage collection deletes (V1). Pure. */

/** A snapshot, oldest first in a list. */
export type SnapshotFacts = {
  readonly snapshotId: number;
  /** Feed head at its seal. */
  readonly l2TxIndex: number;
  readonly isVoid: boolean;
  readonly isLeased: boolean;
};

/**
 * Ids to delete. Kept: the newest accepted one (`acceptedId`), the finalized one that readers are
 * shown (null while there is none), leased ones, and of the valid ones beyond the newest accepted at most `beyondMax`.
 *
 * Thinning drops the snapshot whose neighbours are closest together, never the newest: what is left
 * stays spread over the unaccepted history, so a rollback to any depth replays little.
 */
export function decideThinning(
  snapshots: readonly SnapshotFacts[],
  keep: {
    readonly acceptedId: number;
    readonly finalizedId: number | null;
    readonly beyondMax: number;
  },
): readonly number[] {
  const doomed: number[] = [];
  const beyond: SnapshotFacts[] = [];
  for (const snapshot of snapshots) {
    const { snapshotId, isVoid, isLeased } = snapshot;
    if (isLeased || snapshotId === keep.acceptedId || snapshotId === keep.finalizedId) continue;
    if (isVoid || snapshotId < keep.acceptedId) doomed.push(snapshotId);
    else beyond.push(snapshot);
  }
  while (beyond.length > keep.beyondMax) {
    const [dropped] = beyond.splice(closestNeighbours(beyond), 1);
    if (dropped !== undefined) doomed.push(dropped.snapshotId);
  }
  return doomed;
}

/** Index of the snapshot with the smallest distance from its predecessor to its successor. */
function closestNeighbours(snapshots: readonly SnapshotFacts[]): number {
  let best = 0;
  let bestGap = Number.POSITIVE_INFINITY;
  for (let i = 0; i < snapshots.length - 1; i++) {
    const before = i === 0 ? 0 : (snapshots[i - 1]?.l2TxIndex ?? 0);
    const gap = (snapshots[i + 1]?.l2TxIndex ?? 0) - before;
    if (gap < bestGap) {
      best = i;
      bestGap = gap;
    }
  }
  return best;
}
