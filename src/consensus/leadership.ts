/** A candidate's terms as leader, one after the other: each with its broadcast and its proposals. */

import type { Certificate } from "../core/consensus/certificate.ts";
import type { Surroundings } from "./clock.ts";
import type { CandidateOptions } from "./conductor-types.ts";
import { Council } from "./council.ts";
import { Lead } from "./lead.ts";
import type { Message } from "./messages.ts";

export type LeadershipEvents = {
  readonly certified: (certificate: Certificate) => void;
  readonly serving: () => void;
  /** The term is over: nothing of it is certified here any more. */
  readonly ended: () => void;
  readonly failed: (error: unknown) => void;
};

type LeadershipOptions = Pick<
  CandidateOptions,
  "manager" | "store" | "rules" | "log" | "metrics" | "open" | "retain"
>;

export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #around: Surroundings;
  readonly #events: LeadershipEvents;
  #lead: Lead | null = null;
  #council: Council | null = null;
  /** The last term, until nothing of it is on its way to the log. */
  #ending: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions, around: Surroundings, events: LeadershipEvents) {
    this.#options = options;
    this.#around = around;
    this.#events = events;
  }

  get lead(): Lead | null {
    return this.#lead;
  }

  get council(): Council | null {
    return this.#council;
  }

  /** Resolves when nobody of a term that is over writes to the log. */
  readonly settled = async (): Promise<void> => await this.#ending;

  /** `held`: resolves when nobody else writes to the log. */
  async begin(held: Promise<void>): Promise<void> {
    this.end();
    const { manager, store, rules, log, metrics, open } = this.#options;
    const known = manager.current();
    const council = new Council({ known, log, rules: rules.proposals, metrics }, this.#around);
    const { certified, serving, failed } = this.#events;
    const ended = (): void => this.end();
    const events = { certified, serving, failed, ended };
    const lead = new Lead(
      {
        ...{ known, store, open, metrics, rules: rules.broadcast },
        retain: this.#options.retain ?? retainNothing,
      },
      this.#around,
      events,
    );
    this.#lead = lead;
    this.#council = council;
    metrics.countRole("follower", "leader");
    await Promise.all([council.start(), held, this.#ending]);
    if (this.#lead === lead) await lead.start();
  }

  end(): void {
    if (this.#lead === null) return;
    this.#ending = this.#lead.stop();
    this.#council?.close();
    this.#lead = null;
    this.#council = null;
    this.#options.metrics.countRole("leader", "follower");
    this.#events.ended();
  }

  async handle(from: string, message: Message): Promise<void> {
    if (message.is === "proposal-vote" || message.is === "proposal-denied") {
      return await this.#council?.handle(from, message);
    }
    await this.#lead?.handle(from, message);
  }
}

function retainNothing(): number {
  return Number.POSITIVE_INFINITY;
}
