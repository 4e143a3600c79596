/**
 * When a candidate asks with what to begin, since nobody has the chunks behind its newest one any more (C6).
 *
 * First every member is asked for those chunks: a log that can be followed from where it ends, or from its
 * first chunk, is. Whoever does not answer in time counts as having none, until the next round.
 */

import type { Certificate } from "../core/consensus/certificate.ts";
import type { LineEnd } from "../core/consensus/line.ts";
import type { Surroundings } from "./clock.ts";
import type { FetcherOptions } from "./fetcher.ts";
import type { Answer } from "./messages.ts";
import { OpenQuestion } from "./open-question.ts";
import { type LogEntry, logEntry } from "./payload-store.ts";
import { verifyBeginning } from "./verify.ts";

/** A certified chunk, with its own certificate where that is known. */
export type FoundBeginning = { readonly entry: LogEntry; readonly certificate: Certificate | null };

/** What the owner of a log that may begin beyond its first chunk brings. */
export type BeginningHooks = {
  /** Whether it cannot follow the log from where it ends, whoever has the chunks. */
  readonly isWanted: () => boolean;
  /** Takes it, or declines. Rejects where a log would have to be given up for it. */
  readonly take: (found: FoundBeginning) => Promise<boolean>;
};

type BeginningAnswer = Answer & { readonly is: "beginning" };

export class Beginnings {
  readonly #options: FetcherOptions;
  readonly #around: Surroundings;
  readonly #question: OpenQuestion<BeginningAnswer>;
  /** Members that had no chunk for this one. */
  readonly #without = new Set<string>();

  constructor(options: FetcherOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#question = new OpenQuestion(around.clock, options.answerMs);
  }

  /** A member to ask for chunks, or null when it is time to ask for a beginning. */
  next(endpoints: readonly string[]): string | null {
    const { begin } = this.#options;
    if (begin?.isWanted() === true) return null;
    const left = begin === undefined ? endpoints : this.#notAsked(endpoints);
    return this.#any(left);
  }

  /** What a member said when it was asked for chunks; null: nothing in time. */
  heard(endpoint: string, hasMore: boolean | null): void {
    if (hasMore === true) this.#without.clear();
    else this.#without.add(endpoint);
  }

  receive(from: string, answer: BeginningAnswer): void {
    this.#question.receive(from, answer);
  }

  end(): void {
    this.#question.end();
  }

  /** What one of them would begin with, if its owner takes it. */
  async ask(endpoints: readonly string[], after: LineEnd, isOver: () => boolean): Promise<boolean> {
    const { begin, manager, checkPayload, placeOf } = this.#options;
    const { judge, transport } = this.#around;
    const to = this.#any(endpoints);
    this.#without.clear();
    if (begin === undefined || to === null) return false;
    const { height, hash } = after;
    const answered = this.#question.ask(to);
    transport.send(to, { is: "want-beginning", after: { height, hash }, isAny: begin.isWanted() });
    const answer = await answered;
    const beginning = answer?.beginning ?? null;
    if (beginning === null || answer?.after.hash !== hash) return false;
    const chunk = await verifyBeginning(judge, manager.chain(), beginning);
    const { signed, payload } = beginning.chunk;
    if (chunk === null || chunk.ref.height <= height) return false;
    if (!(await checkPayload(signed.header, payload)) || isOver()) return false;
    const { certificate } = beginning;
    const isOwn = certificate.chunk.hash === chunk.ref.hash;
    const entry = logEntry(signed, payload, placeOf(payload));
    return await begin.take({ entry, certificate: isOwn ? certificate : null });
  }

  #notAsked(endpoints: readonly string[]): readonly string[] {
    return endpoints.filter((endpoint) => !this.#without.has(endpoint));
  }

  #any(endpoints: readonly string[]): string | null {
    return endpoints[Math.floor(this.#around.random() * endpoints.length)] ?? null;
  }
}
