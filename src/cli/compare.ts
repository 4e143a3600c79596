/** Where two byte strings part. */

/** `null` stands for the end of the shorter one. Offsets count from 0. */
export type Difference = {
  readonly offset: number;
  readonly left: number | null;
  readonly right: number | null;
};

/** Null when they are equal. */
export function firstDifference(left: Uint8Array, right: Uint8Array): Difference | null {
  const length = Math.max(left.length, right.length);
  for (let offset = 0; offset < length; offset++) {
    const [a, b] = [left[offset] ?? null, right[offset] ?? null];
    if (a !== b) return { offset, left: a, right: b };
  }
  return null;
}
