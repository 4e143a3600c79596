/**
 * The code itself as a machine: the real decisions of `src/core` between a hostile L1 and the object.
 *
 * What no state may be is in `broken`; what no action may do is a fault that the action leaves behind.
 * Left out: reading inputs in more than one slice, fees as numbers, the order of ops inside a batch,
 * more than one frame per batch, a committee, and whatever needs more batches, slots or time than the
 * bounds give.
 */

import type { Progress } from "../../src/core/recovery/controller.ts";
import type { Config } from "./code-config.ts";
import { expandL1 } from "./code-l1.ts";
import { expandObject } from "./code-object.ts";
import { bitOf, type CodeState, GENESIS, type Slot, stepOf } from "./code-state.ts";
import type { Machine } from "./explorer.ts";

export function code(config: Config): Machine<CodeState> {
  return {
    initial: [GENESIS],
    key,
    broken,
    expand(state, reach) {
      const to = (action: string, change: Partial<CodeState>): void =>
        reach(action, { ...state, ...change });
      expandL1(state, config, to);
      expandObject(state, config, to);
    },
  };
}

function broken(state: CodeState): string | null {
  const { batches, watermark, slots, consumed } = state;
  if (state.fault !== null) return state.fault;
  const path = batches.filter((batch) => batch.is !== "void");
  if (path.some(({ nonce }, depth) => nonce !== depth)) return "N16: nonces follow each other";
  const open = path.filter(({ is }) => is === "open").length;
  if (open !== 1 || batches.at(-1)?.is !== "open") return "N16: one batch is open, the last";
  if (path.some(({ clock }, i) => clock < (path[i - 1]?.clock ?? 0))) return "N3: clocks ascend";
  const accepted = batches.filter((batch) => batch.isAccepted);
  if (accepted.length !== state.expected) return "zombie safety: what is accepted is ours";
  if (accepted.some(({ is }) => is !== "closed")) return "N9: an accepted batch is never void";
  if (state.frontier > state.expected) return "R4: the frontier is what L1 accepted";
  if (state.storedHead === state.safeHead && state.frontier < state.expected) {
    return "S2: object and scheduler accept the same";
  }
  if (consumed + slots.length !== (watermark ?? -1) + 1)
    return "N14: the watermark covers every slot";
  return null;
}

const PROGRESS: Readonly<Record<Progress["at"], number>> = {
  "need-initial-sync": 0,
  inspecting: 1,
  repaired: 2,
  flushed: 3,
  "post-flush-synced": 4,
};

/**
 * One character per number. A void batch that no transaction carries any more, and an accepted one
 * that is read, are told by their kind alone: nothing looks at the rest of them.
 */
function key(state: CodeState): string {
  const { batches, unread, slots, progress, view } = state;
  const codes = [state.storedHead, state.safeHead, state.frontier, state.expected, state.consumed];
  codes.push(PROGRESS[progress.at], "safeBlock" in progress ? stepOf(progress.safeBlock) : 0);
  const carried = carriedBy(state);
  codes.push(batches.length);
  for (const [i, batch] of batches.entries()) {
    const isCarried = (carried & bitOf(i)) !== 0;
    if (batch.is === "void" && !isCarried) codes.push(1);
    else if (batch.is === "closed" && batch.nonce < state.frontier && !isCarried) codes.push(2);
    else codes.push(KINDS[batch.is], batch.nonce, batch.clock);
    codes.push(batch.isAccepted ? 1 : 0);
  }
  codes.push(unread.length);
  for (const { payload, step, slot } of unread) {
    codes.push(payload + 1, step === null ? 0 : step + 1);
    if (slot !== null) pushSlot(codes, slot);
  }
  codes.push(slots.length);
  for (const slot of slots) pushSlot(codes, slot);
  if (view !== null) codes.push(view.walletNonce, ...view.nonces.map(Number));
  return String.fromCharCode(...codes) + (state.fault ?? "");
}

const KINDS = { open: 3, closed: 4, void: 5 } as const;

function pushSlot(codes: number[], { rivals, newest }: Slot): void {
  codes.push(rivals, newest === null ? 0 : newest + 2);
}

/** Every batch that a transaction may still bring to L1, or that has landed and is not read. */
function carriedBy({ unread, slots }: CodeState): number {
  let carried = 0;
  for (const { payload, slot } of unread) carried |= bitOf(payload) | (slot?.rivals ?? 0);
  for (const { rivals } of slots) carried |= rivals;
  return carried;
}
