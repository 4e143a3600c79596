/**
 * What `checkApplication` asks of a state at the end of its story: bytes that nobody meant.
 *
 * Ops and direct inputs come from anybody, so every byte string has an answer. Snapshots come from
 * files and other members, so restoring takes canonical bytes alone.
 */

import { bytesEqual } from "../types/bytes.ts";
import type { Result } from "../types/result.ts";
import { blockNumber } from "../types/units.ts";
import type { Application, ApplicationState } from "./application.ts";
import { act } from "./check-step.ts";
import { type Add, isDirect, type Step } from "./check-types.ts";

/** How many bytes of a snapshot are flipped, spread over it. */
const FLIPS = 256;

export type Restore = (snapshot: Uint8Array) => Result<ApplicationState, string>;

export function restoreOf<Config>(application: Application<Config>, config: Config): Restore {
  return (snapshot) => application.restore(config, snapshot);
}

/** Each foreign byte string from each account of `steps`, as an op and from L1. */
export function probeForeignBytes(
  restore: Restore,
  snapshot: Uint8Array,
  steps: readonly Step[],
  add: Add,
): void {
  const senders = [...new Set(steps.map(({ sender }) => sender))];
  for (const bytes of foreignBytes(steps)) {
    for (const sender of senders) {
      const direct = { sender, blockNumber: blockNumber(0), payload: bytes };
      for (const step of [{ sender, data: bytes }, direct]) {
        const state = restore(snapshot);
        const what = `${isDirect(step) ? "a direct input" : "an op"} of ${bytes.length} bytes`;
        if (state.ok && !survives(state.value, step, add)) add(`${what} makes it throw`);
      }
    }
  }
}

function survives(state: ApplicationState, step: Step, add: Add): boolean {
  try {
    act(state, step, add);
    return true;
  } catch {
    // Reported by the caller: which bytes they were matters more than where it threw.
    return false;
  }
}

/** Lengths around those of real methods, and real methods with something missing, added or other. */
function foreignBytes(steps: readonly Step[]): readonly Uint8Array[] {
  const real = steps.map((step) => (isDirect(step) ? step.payload : step.data));
  const plain = [0, 1, 2, 20, 32, 64, 72, 256].flatMap((length) =>
    [0x00, 0xff].map((byte) => new Uint8Array(length).fill(byte)),
  );
  return [...plain, ...real.flatMap((bytes) => [...bytes.keys()].map((at) => flipped(bytes, at)))]
    .concat(real.map((bytes) => bytes.slice(0, -1)))
    .concat(real.map((bytes) => Uint8Array.of(...bytes, 0)))
    .slice(0, 4 * FLIPS);
}

/** What restoring takes must be what the restored state writes. */
export function probeSnapshots(restore: Restore, snapshot: Uint8Array, add: Add): void {
  const stride = Math.max(1, Math.floor(snapshot.length / FLIPS));
  const variants = [
    ...[0, 1, snapshot.length >> 1, snapshot.length - 1].map((length) => snapshot.slice(0, length)),
    Uint8Array.of(...snapshot.slice(0, 1 << 16), 0),
    ...[...snapshot.keys()].filter((at) => at % stride === 0).map((at) => flipped(snapshot, at)),
  ];
  for (const variant of variants) probeSnapshot(restore, variant, add);
}

function probeSnapshot(restore: Restore, bytes: Uint8Array, add: Add): void {
  try {
    const restored = restore(bytes.slice());
    if (restored.ok && !bytesEqual(restored.value.snapshot(), bytes)) {
      add("restore takes bytes that the restored state writes otherwise");
    }
  } catch {
    // Reported: bytes of a snapshot that are wrong are an answer, not a bug.
    add("restore throws instead of saying what is wrong");
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const other = bytes.slice();
  other[at] = (other[at] ?? 0) ^ 1;
  return other;
}
