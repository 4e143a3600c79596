/** Commits that wait for a certificate: each ends once, by its certificate, its epoch's end or its time. */

import type { Certificate } from "../core/consensus/certificate.ts";
import type { ChunkRef } from "../core/consensus/types.ts";
import { err, ok, type Result } from "../core/types/result.ts";
import type { Clock } from "./clock.ts";
import type { CommitError } from "./errors.ts";

type Outcome = Result<{ readonly certificate: Certificate; readonly chunk: ChunkRef }, CommitError>;

type Waiting = {
  readonly chunk: ChunkRef;
  readonly end: (outcome: Outcome) => void;
};

export class PendingCommits {
  readonly #clock: Clock;
  readonly #commitMs: number;
  readonly #waiting = new Set<Waiting>();
  /** Certified last: a certificate may come before the commit waits for it. */
  #newest: Certificate | null = null;

  constructor(clock: Clock, commitMs: number) {
    this.#clock = clock;
    this.#commitMs = commitMs;
  }

  wait(chunk: ChunkRef, startedMs: number): Promise<Outcome> {
    if (this.#newest !== null && this.#newest.chunk.height >= chunk.height) {
      return Promise.resolve(ok({ certificate: this.#newest, chunk }));
    }
    return new Promise((resolve) => {
      const cancel = this.#clock.at(startedMs + this.#commitMs, () => {
        waiting.end(err({ reason: "timeout" }));
      });
      const waiting: Waiting = {
        chunk,
        end: (outcome) => {
          cancel();
          this.#waiting.delete(waiting);
          resolve(outcome);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  certified(certificate: Certificate): void {
    this.#newest = certificate;
    for (const { chunk, end } of this.#waiting) {
      if (chunk.height > certificate.chunk.height) continue;
      end(ok({ certificate, chunk }));
    }
  }

  endAll(error: CommitError): void {
    this.#newest = null;
    for (const { end } of this.#waiting) {
      end(err(error));
    }
  }
}
