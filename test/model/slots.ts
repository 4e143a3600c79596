/**
 * Batches, wallet-nonce slots and the scheduler, as a machine of small numbers (R2).
 *
 * The design behind the code, not the code (`code.ts`): a spine of batches from genesis to the open
 * one, slots of the submitter's wallet that L1 consumes in order, and a scheduler that reads them at
 * safe depth. A batch that was given up while its transaction is alive is a zombie and may still land.
 * Blocks, ages and nonces are a handful each. There is no crash, no time and no progress: only
 * whether something that must not happen can.
 */

import type { Machine } from "./explorer.ts";

export type Bounds = {
  readonly batchIndexMax: number;
  readonly safeBlockMax: number;
  /** Blocks after which the scheduler skips a batch. */
  readonly maxWait: number;
  /** First wallet nonce that is not used. */
  readonly walletNonceMax: number;
};

type Colour = "tip" | "pending" | "bronze" | "silver" | "gold";

/** A batch's nonce is its position in the spine. */
type Batch = {
  readonly index: number;
  readonly colour: Colour;
  /** Clock of its first frame. */
  readonly clock: number;
  readonly inclusionBlock: number;
  /** The slot that its transaction is for; null while it has none. */
  readonly slot: number | null;
  /** Batches that were given up behind it. */
  readonly discarded: number;
};

/** What consumed a slot; a no-op is null. */
type Landing = {
  readonly nonce: number;
  readonly inclusionBlock: number;
  readonly clock: number;
} | null;

type Zombie = { readonly nonce: number; readonly slot: number; readonly clock: number };

export type SlotState = {
  readonly spine: readonly Batch[];
  readonly nextIndex: number;
  readonly safeBlock: number;
  /** The next wallet nonce to assign. */
  readonly walletNonce: number;
  /** By slot; its length is the next slot that L1 consumes. */
  readonly l1: readonly Landing[];
  /** The next slot that the scheduler looks at, and the nonce that it accepts. */
  readonly cursor: number;
  readonly expected: number;
  readonly zombies: readonly Zombie[];
};

export type SlotRules = {
  /** Whether `frontier`, the first batch that is not accepted, may be given up with all after it. */
  readonly mayResolve: (frontier: Batch, state: SlotState, bounds: Bounds) => boolean;
  /** Whether giving up forgets which slots were assigned. */
  readonly reusesSlots?: boolean;
  /** Whether batches are sent one by one in any order, instead of all in theirs. */
  readonly submitsInAnyOrder?: boolean;
};

type To = (action: string, change: Partial<SlotState>) => void;

const GENESIS: Batch = {
  index: 0,
  colour: "gold",
  clock: 0,
  inclusionBlock: 0,
  slot: 0,
  discarded: 0,
};

function openedAt(index: number, clock: number): Batch {
  return { index, colour: "tip", clock, inclusionBlock: 0, slot: null, discarded: 0 };
}

export function slots(bounds: Bounds, rules: SlotRules): Machine<SlotState> {
  const initial: SlotState = {
    spine: [GENESIS, openedAt(1, 0)],
    nextIndex: 2,
    safeBlock: 0,
    walletNonce: 1,
    l1: [{ nonce: 0, inclusionBlock: 0, clock: 0 }],
    cursor: 1,
    expected: 1,
    zombies: [],
  };
  return {
    initial: [initial],
    key,
    broken,
    expand(state, reach) {
      const to: To = (action, change) => reach(action, { ...state, ...change });
      close(state, bounds, to);
      if (rules.submitsInAnyOrder === true) submitAny(state, bounds, to);
      else submitAll(state, bounds, to);
      consume(state, bounds, to);
      advanceSafeBlock(state, bounds, to);
      schedule(state, bounds, to);
      resolve(state, { bounds, rules }, to);
    },
  };
}

function close(state: SlotState, bounds: Bounds, to: To): void {
  const { spine, nextIndex, safeBlock } = state;
  if (nextIndex > bounds.batchIndexMax) return;
  const closed = spine.map((batch) => (batch.colour === "tip" ? paint(batch, "pending") : batch));
  to("close", { spine: [...closed, openedAt(nextIndex, safeBlock)], nextIndex: nextIndex + 1 });
}

function paint(batch: Batch, colour: Colour): Batch {
  return { ...batch, colour };
}

const isUnsent = (batch: Batch): boolean => batch.colour === "pending" && batch.slot === null;

function firstFreeSlot(state: SlotState): number {
  return Math.max(state.walletNonce, state.l1.length);
}

function submitAll(state: SlotState, bounds: Bounds, to: To): void {
  let slot = firstFreeSlot(state);
  const spine = state.spine.map((batch) => (isUnsent(batch) ? { ...batch, slot: slot++ } : batch));
  if (slot > firstFreeSlot(state) && slot <= bounds.walletNonceMax) {
    to("submit", { spine, walletNonce: slot });
  }
}

function submitAny(state: SlotState, bounds: Bounds, to: To): void {
  const slot = firstFreeSlot(state);
  if (slot + 1 > bounds.walletNonceMax) return;
  for (const unsent of state.spine.filter(isUnsent)) {
    const spine = state.spine.map((batch) => (batch === unsent ? { ...batch, slot } : batch));
    to("submit", { spine, walletNonce: slot + 1 });
  }
}

/** One of a slot's competitors lands or a no-op does, and the others die. */
function consume(state: SlotState, bounds: Bounds, to: To): void {
  const slot = state.l1.length;
  const owner = state.spine.findIndex((one) => one.colour === "pending" && one.slot === slot);
  const dying = state.zombies.filter((zombie) => zombie.slot === slot);
  const zombies = state.zombies.filter((zombie) => zombie.slot !== slot);
  const earliest = state.l1.reduce((most, one) => Math.max(most, one?.inclusionBlock ?? 0), 0);
  const killed = state.spine.map((batch, i) => (i === owner ? { ...batch, slot: null } : batch));
  const spine = owner < 0 ? state.spine : killed;
  const land = (action: string, nonce: number, clock: number, landed: typeof includedAt): void => {
    const from = Math.max(state.safeBlock, earliest);
    for (let block = from; block <= bounds.safeBlockMax; block++) {
      const l1 = [...state.l1, { nonce, inclusionBlock: block, clock }];
      to(action, { spine: landed(block), zombies, l1 });
    }
  };
  const batch = state.spine[owner];
  if (batch !== undefined) {
    land("include", owner, batch.clock, includedAt);
    to("skip", { spine, zombies, l1: [...state.l1, null] });
  }
  for (const { nonce, clock } of dying) {
    land("zombie lands", nonce, clock, () => spine);
    to("zombie vanishes", { spine, zombies, l1: [...state.l1, null] });
  }

  function includedAt(inclusionBlock: number): readonly Batch[] {
    const colour = inclusionBlock <= state.safeBlock ? "silver" : "bronze";
    return state.spine.map((one, i) => (i === owner ? { ...one, colour, inclusionBlock } : one));
  }
}

function advanceSafeBlock(state: SlotState, bounds: Bounds, to: To): void {
  for (let block = state.safeBlock + 1; block <= bounds.safeBlockMax; block++) {
    const spine = state.spine.map((batch) =>
      batch.colour === "bronze" && batch.inclusionBlock <= block ? paint(batch, "silver") : batch,
    );
    to("safe block", { spine, safeBlock: block });
  }
}

function schedule(state: SlotState, bounds: Bounds, to: To): void {
  const { cursor, expected } = state;
  const landing = state.l1[cursor];
  if (landing === undefined) return;
  if (landing === null) {
    to("pass", { cursor: cursor + 1 });
    return;
  }
  if (landing.inclusionBlock > state.safeBlock) return;
  const isAccepted =
    landing.nonce === expected && landing.inclusionBlock - landing.clock < bounds.maxWait;
  if (!isAccepted) {
    to("step", { cursor: cursor + 1 });
    return;
  }
  const spine = state.spine.map((batch, i) =>
    i === landing.nonce && batch.colour === "silver" ? paint(batch, "gold") : batch,
  );
  to("step", { spine, cursor: cursor + 1, expected: expected + 1 });
}

type Setting = { readonly bounds: Bounds; readonly rules: SlotRules };

function resolve(state: SlotState, { bounds, rules }: Setting, to: To): void {
  const { spine, nextIndex, safeBlock } = state;
  const at = spine.findIndex((batch) => batch.colour !== "gold");
  const [frontier, last] = [spine[at], spine[at - 1]];
  if (nextIndex > bounds.batchIndexMax || frontier === undefined || last === undefined) return;
  if (!rules.mayResolve(frontier, state, bounds)) return;
  const lost = spine.slice(at);
  const survivor = { ...last, discarded: last.discarded + lost.length };
  const died = lost.flatMap((batch, i) =>
    batch.colour === "pending" && batch.slot !== null
      ? [{ nonce: at + i, slot: batch.slot, clock: batch.clock }]
      : [],
  );
  to("resolve", {
    spine: [...spine.slice(0, at - 1), survivor, openedAt(nextIndex, safeBlock)],
    nextIndex: nextIndex + 1,
    zombies: [...state.zombies, ...died].sort((a, b) => a.slot - b.slot || a.nonce - b.nonce),
    walletNonce: rules.reusesSlots === true ? state.l1.length : state.walletNonce,
  });
}

/** The expected nonce counts what we hold for accepted: else something else was accepted. */
function broken(state: SlotState): string | null {
  const { spine, l1, zombies } = state;
  const gold = spine.findIndex((batch) => batch.colour !== "gold");
  if (spine.some((batch, i) => i > gold && batch.colour === "gold")) return "gold is a prefix";
  if (state.expected !== gold) return "zombie safety";
  if (spine.some((batch, i) => batch.discarded > 0 && i >= gold))
    return "dead branches hang off gold";
  if (state.cursor > l1.length) return "the scheduler reads what landed";
  if (zombies.some((zombie) => zombie.slot < l1.length)) return "a consumed slot has no zombie";
  return null;
}

const COLOURS: Readonly<Record<Colour, number>> = {
  tip: 0,
  pending: 1,
  bronze: 2,
  silver: 3,
  gold: 4,
};

/** One character per number, and the length before each list. Null is 0, a slot is one more. */
function key(state: SlotState): string {
  const { spine, l1, zombies } = state;
  const codes = [spine.length, state.nextIndex, state.safeBlock, state.walletNonce];
  for (const batch of spine) {
    codes.push(batch.index, COLOURS[batch.colour], batch.clock, batch.inclusionBlock);
    codes.push(batch.slot === null ? 0 : batch.slot + 1, batch.discarded);
  }
  codes.push(l1.length, state.cursor, state.expected);
  for (const landing of l1) {
    if (landing === null) codes.push(0);
    else codes.push(landing.nonce + 1, landing.inclusionBlock, landing.clock);
  }
  for (const zombie of zombies) codes.push(zombie.nonce, zombie.slot, zombie.clock);
  return String.fromCharCode(...codes);
}
