/**
 * What goes wrong in a run, and when: every kind comes at random times of its own stream.
 *
 * A fault sets a switch, some of them for a while, or does one thing once. At the end of the storm all
 * switches go back; what was set in motion (a transaction in a private mempool, a rollback half done)
 * goes on.
 */

import { must } from "../../src/core/types/assert.ts";
import type { Clock } from "./alarm.ts";
import type { Audit } from "./audit.ts";
import type { Clients } from "./clients.ts";
import type { Endpoint } from "./endpoint.ts";
import { type L1World, SLOT_MS } from "./l1-world.ts";
import type { SimObject, Target } from "./object.ts";
import { FAULT_KINDS, type FaultKind, type Options } from "./options.ts";
import { Random } from "./random.ts";
import type { SimStorage } from "./storage.ts";
import type { Timeline } from "./timeline.ts";
import { QUIET_WIRE, type Wire } from "./wire.ts";

export type Hands = {
  readonly options: Options;
  readonly timeline: Timeline;
  readonly audit: Audit;
  readonly storage: SimStorage;
  readonly l1: L1World;
  readonly endpoints: readonly Endpoint[];
  readonly wire: Wire;
  readonly object: SimObject;
  readonly clients: Clients;
  readonly clock: Clock;
};

/** A fault of some duration, or one that is over at once. */
type Act = (
  hands: Hands,
  random: Random,
) => { readonly forMs: number; readonly end: () => void } | null;

export class Faults {
  readonly #hands: Hands;
  /** Ends of what goes on now. */
  readonly #running = new Map<FaultKind, () => void>();
  #isOver = false;
  count = 0;

  constructor(hands: Hands) {
    this.#hands = hands;
    for (const kind of FAULT_KINDS) {
      const meanMs = hands.options.faultMs.get(kind);
      if (meanMs === undefined) continue;
      this.#plan(kind, new Random(hands.options.seed, `fault ${kind}`), meanMs);
    }
    hands.timeline.at(hands.options.stormMs, () => this.#stop());
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  #plan(kind: FaultKind, random: Random, meanMs: number): void {
    const { timeline } = this.#hands;
    timeline.after(random.waitMs(meanMs), () => {
      if (this.#isOver) return;
      this.#strike(kind, random);
      this.#plan(kind, random, meanMs);
    });
  }

  #strike(kind: FaultKind, random: Random): void {
    const { timeline, audit, options } = this.#hands;
    if (this.count >= options.faultsMax || this.#running.has(kind)) return;
    this.count += 1;
    audit.note(timeline.nowMs, `fault ${kind}`);
    const lasting = ACTS[kind](this.#hands, random);
    if (lasting === null) return;
    const end = () => {
      audit.note(timeline.nowMs, `end of ${kind}`);
      this.#running.delete(kind);
      cancel();
      lasting.end();
    };
    const cancel = timeline.after(lasting.forMs, end);
    this.#running.set(kind, end);
  }

  #stop(): void {
    this.#isOver = true;
    for (const end of [...this.#running.values()]) end();
    this.#hands.object.disarm();
    this.#hands.storage.failsNext = () => false;
    this.#hands.audit.note(this.#hands.timeline.nowMs, "the storm is over");
  }
}

/** From minutes to longer than a batch can wait. */
function longMs({ options }: Hands, random: Random): number {
  const dangerMs = options.config.timing.dangerBlocks * 12_000;
  return Math.min(random.waitMs(dangerMs * random.pick([0.1, 0.5, 1.5])), 2 * dangerMs + 3_600_000);
}

const TARGETS: readonly Target[] = ["any", "any", "write", "send", "rollback"];

function arm(hands: Hands, random: Random, losesTurn: boolean) {
  hands.object.arm({ target: random.pick(TARGETS), losesTurn });
  return null;
}

const ACTS: Readonly<Record<FaultKind, Act>> = {
  reset: (hands, random) => arm(hands, random, false),
  crash: (hands, random) => arm(hands, random, true),
  sleep: (hands, random) => {
    hands.object.isDown = true;
    const end = () => {
      hands.object.isDown = false;
    };
    return { forMs: longMs(hands, random), end };
  },
  alarm: ({ object }, random) => {
    const { alarm } = object;
    const kind = random.below(4);
    if (kind === 0) alarm.losesNext = true;
    else if (kind === 1) alarm.lateMs = random.waitMs(240_000);
    else if (kind === 2) alarm.repeatsNext = true;
    else object.losesHeartbeats = random.between(1, 20);
    return null;
  },
  storage: ({ storage }, random) => {
    let statements = random.between(1, 400);
    storage.failsNext = () => {
      statements -= 1;
      return statements === 0;
    };
    return null;
  },
  clock: ({ clock, object }, random) => {
    clock.jump((random.chance(0.5) ? 1 : -1) * random.waitMs(random.pick([20_000, 3_600_000])));
    object.alarm.moved();
    const end = () => {
      clock.jump(0);
      object.alarm.moved();
    };
    return { forMs: random.waitMs(1_800_000), end };
  },
  outage: (hands, random) => {
    const down = hands.endpoints.filter((_, i) => i === 0 || random.chance(0.8));
    for (const endpoint of down) endpoint.isDown = true;
    const end = () => {
      for (const endpoint of down) endpoint.isDown = false;
    };
    return { forMs: longMs(hands, random), end };
  },
  wire: ({ wire: { switches } }, random) => {
    const rate = random.pick([0.02, 0.1, 0.3]);
    Object.assign(switches, {
      lostBefore: random.unit() * rate,
      lostAfter: random.unit() * rate,
      latencyMs: random.pick([60, 600, 4_000]),
    });
    const { lostBefore, lostAfter, latencyMs } = QUIET_WIRE;
    const end = () => Object.assign(switches, { lostBefore, lostAfter, latencyMs });
    return { forMs: random.waitMs(3_600_000), end };
  },
  stuck: ({ endpoints }, random) => {
    const endpoint = random.pick(endpoints);
    endpoint.stick();
    return { forMs: random.waitMs(random.pick([60_000, 600_000])), end: () => endpoint.unstick() };
  },
  truncate: ({ wire: { switches } }, random) => {
    switches.truncated = random.pick([0.1, 0.5]);
    const end = () => {
      switches.truncated = 0;
    };
    return { forMs: random.waitMs(1_800_000), end };
  },
  reorg: ({ l1 }, random) => {
    l1.reorganise(random.pick([1, 1, 2, 3, 8, 64]));
    return null;
  },
  stall: (hands, random) => {
    const { switches } = hands.l1;
    const isWhole = random.chance(0.4);
    switches.isStalled = isWhole;
    switches.isSafeStalled = !isWhole;
    const end = () => {
      switches.isStalled = false;
      switches.isSafeStalled = false;
    };
    return { forMs: Math.min(longMs(hands, random), 4 * 3_600_000), end };
  },
  censor: (hands, random) => {
    hands.l1.switches.isCensoring = true;
    const end = () => {
      hands.l1.switches.isCensoring = false;
    };
    return { forMs: longMs(hands, random), end };
  },
  fees: (hands, random) => {
    hands.l1.switches.feeFactor = BigInt(random.pick([3, 10, 60]));
    const end = () => {
      hands.l1.switches.feeFactor = 1n;
    };
    return { forMs: longMs(hands, random), end };
  },
  funds: (hands, random) => {
    hands.l1.switches.isPoor = true;
    const end = () => {
      hands.l1.switches.isPoor = false;
    };
    return { forMs: longMs(hands, random), end };
  },
  forget: (hands, random) => {
    const { l1, timeline } = hands;
    const pool = random.pick(l1.pools);
    const waiting = [...l1.builder.all, ...pool.all].filter(
      ({ walletNonce }) => walletNonce >= l1.chain.head.walletNonce,
    );
    if (random.chance(0.2)) pool.forgetAll();
    for (const transaction of waiting) {
      if (!random.chance(0.7)) continue;
      for (const one of l1.pools) one.forget(transaction.walletNonce);
      if (random.chance(0.3)) l1.builder.evict(transaction.hash);
      else l1.builder.delay(transaction.hash, timeline.nowMs + longMs(hands, random));
    }
    return null;
  },
  drop: ({ l1 }, random) => {
    l1.switches.drops = random.pick([0.2, 0.9]);
    l1.switches.inclusionMs = random.pick([8_000, 10 * SLOT_MS, 100 * SLOT_MS]);
    const end = () => {
      l1.switches.drops = 0;
      l1.switches.inclusionMs = 8_000;
    };
    return { forMs: random.waitMs(1_800_000), end };
  },
  revert: ({ l1 }, random) => {
    l1.switches.reverts = random.pick([0.1, 0.6]);
    const end = () => {
      l1.switches.reverts = 0;
    };
    return { forMs: random.waitMs(1_800_000), end };
  },
  burst: ({ clients, timeline }, random) => {
    const count = random.between(10, 60);
    for (let i = 0; i < count; i++) timeline.after(i * random.below(20), () => clients.act());
    return null;
  },
  policy: ({ storage }, random) => {
    if (!storage.hasTable("batch_policy")) return null;
    storage.write(`UPDATE batch_policy SET log_gas_price = ${random.between(0, 200)}`);
    return null;
  },
};

export function faultKind(name: string): FaultKind {
  return must(
    FAULT_KINDS.find((kind) => kind === name),
    "a known kind of fault",
  );
}
