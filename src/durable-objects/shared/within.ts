/** A call that is not waited for longer than its time; what it answers later has no effect. */

import type { ObjectTime } from "./committee-clock.ts";

/** Null when it is late. */
export async function within<T>(
  work: Promise<T>,
  limitMs: number,
  later: ObjectTime["later"],
): Promise<T | null> {
  let cancel: () => void = () => undefined;
  const expired = new Promise<null>((resolve) => {
    cancel = later(() => resolve(null), limitMs);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    cancel();
  }
}
