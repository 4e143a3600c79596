/**
 * A network between simulated endpoints: late, lossy, doubling, reordering, cut in two, or cut one way.
 *
 * A message is lost when it leaves, and also when its receiver is down or out of reach on arrival.
 */

import type { Message } from "../../src/consensus/messages.ts";
import type { Transport } from "../../src/consensus/transport.ts";
import type { Audit } from "../sim/audit.ts";
import type { Random } from "../sim/random.ts";
import type { Timeline } from "../sim/timeline.ts";

export type Weather = {
  readonly delayLeastMs: number;
  readonly delayMostMs: number;
  readonly loss: number;
  readonly doubling: number;
};

export const CALM: Weather = { delayLeastMs: 1, delayMostMs: 5, loss: 0, doubling: 0 };

type Receive = (from: string, message: Message) => void;
/** What becomes of a message: itself, another one, or several. */
export type Tamper = (from: string, to: string, message: Message) => readonly Message[];

export class Network {
  weather: Weather = CALM;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #audit: Audit;
  readonly #receivers = new Map<string, Receive>();
  /** Links that carry nothing, as `from>to`. */
  readonly #cut = new Set<string>();
  /** Extra milliseconds of an endpoint's answers. */
  readonly slow = new Map<string, number>();
  readonly watchers: ((from: string, message: Message) => void)[] = [];
  tamper: Tamper = (_from, _to, message) => [message];
  sent = 0;

  constructor(timeline: Timeline, random: Random, audit: Audit) {
    this.#timeline = timeline;
    this.#random = random;
    this.#audit = audit;
  }

  endpoint(name: string): Transport {
    return {
      send: (to, message) => this.#send(name, to, message),
      listen: (receive) => {
        this.#receivers.set(name, receive);
        return () => {
          if (this.#receivers.get(name) === receive) this.#receivers.delete(name);
        };
      },
    };
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  /** Nobody of one group hears anybody of another. */
  partition(groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue;
        for (const a of group) for (const b of other) this.cut(a, b);
      }
    }
  }

  heal(): void {
    this.#cut.clear();
  }

  #send(from: string, to: string, message: Message): void {
    for (const watch of this.watchers) watch(from, message);
    for (const one of this.tamper(from, to, message)) {
      if (one !== message) for (const watch of this.watchers) watch(from, one);
      this.#carry(from, to, one);
      if (this.weather.doubling > 0 && this.#random.chance(this.weather.doubling)) {
        this.#carry(from, to, one);
      }
    }
  }

  #carry(from: string, to: string, message: Message): void {
    this.sent += 1;
    const { delayLeastMs, delayMostMs, loss } = this.weather;
    if (loss > 0 && this.#random.chance(loss)) return;
    const delay = this.#random.between(delayLeastMs, delayMostMs) + (this.slow.get(from) ?? 0);
    this.#timeline.after(delay, () => {
      const receive = this.#receivers.get(to);
      if (receive === undefined || this.#cut.has(`${from}>${to}`)) return;
      this.#audit.note(this.#timeline.nowMs, `${from} > ${to} ${message.is}`);
      receive(from, message);
    });
  }
}
