/**
 * Whether a leader that starts is still the leader, as far as it can know (C6).
 *
 * One that was deposed while it was away hears of it from some member of any quorum, so it waits for a
 * quorum's answers before it serves: else it would refuse ops, and promise places, on a log that another
 * one goes on with. Where no quorum answers for some heartbeats nobody can tell it, and it serves at tier
 * `ordered`, as one does that loses its quorum in service.
 */

import type { MemberIndex } from "../core/consensus/types.ts";
import { Alarm, type Clock } from "./clock.ts";

/** How long a quorum is waited for. */
export const ROLL_CALL_HEARTBEATS = 3;

export class RollCall {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #answered = new Set<MemberIndex>();
  #hasWaited = false;

  /** `waited` is told when it is over without a quorum. */
  constructor(clock: Clock, waited: () => void) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => {
      this.#hasWaited = true;
      waited();
    });
  }

  start(waitMs: number): void {
    this.#alarm.set(this.#clock.nowMs() + waitMs);
  }

  stop(): void {
    this.#alarm.set(Number.POSITIVE_INFINITY);
  }

  /** It answered, and knew of no later epoch. */
  hear(member: MemberIndex): void {
    this.#answered.add(member);
  }

  isOver(quorum: number): boolean {
    return this.#hasWaited || this.#answered.size >= quorum;
  }
}
