/** Where the valid records of a feed lie between its rollbacks (F3). Pure. */

/** A rollback by its places: what lies between `keepThrough` and `offset`, both excluded, is void. */
export type VoidRange = { readonly offset: number; readonly keepThrough: number };

/** Offsets above `after`, up to and including `through`. */
export type Stretch = { readonly after: number; readonly through: number };

/**
 * Where the valid records after `from` lie, in order. What a rollback voided lies between the stretches,
 * so that a reader behind it, who may come often, does not have millions of void rows read (L4).
 *
 * `rollbacks` are all those whose records come after `from`, oldest first. A later one may void more than
 * an earlier one, so each stretch ends at the least that its rollback and all later ones keep.
 */
export function* stretchesAfter(
  from: number,
  rollbacks: readonly VoidRange[],
): Generator<Stretch, void, undefined> {
  const kept = keptByAll(rollbacks);
  let after = from;
  for (const [i, { offset }] of rollbacks.entries()) {
    const through = kept[i] ?? 0;
    if (through > after) yield { after, through };
    yield { after: offset - 1, through: offset };
    after = offset;
  }
  yield { after, through: Number.MAX_SAFE_INTEGER };
}

/** For each rollback, the least that it and the later ones keep. */
function keptByAll(rollbacks: readonly VoidRange[]): readonly number[] {
  let least = Number.MAX_SAFE_INTEGER;
  return rollbacks
    .toReversed()
    .map(({ keepThrough }) => {
      least = Math.min(least, keepThrough);
      return least;
    })
    .toReversed();
}
