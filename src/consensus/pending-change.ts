/**
 * A committee that was certified and waits for the next epoch (C6).
 *
 * Every candidate is told, for nobody knows who will lead it. A change is good for the epoch after the
 * one that certified it: its certificate names that record, and validators ask for the certificate.
 */

import type { CommitCertificate } from "../core/consensus/commit-certificate.ts";
import type { Committee } from "../core/consensus/takeover.ts";
import { ok, type Result } from "../core/types/result.ts";
import type { Surroundings } from "./clock.ts";
import type { Council } from "./council.ts";
import type { EpochManager } from "./epoch-manager.ts";
import type { ProposeError } from "./errors.ts";
import type { CertifiedChange } from "./messages.ts";
import { verifyChange } from "./verify.ts";

export class PendingChange {
  readonly #manager: EpochManager;
  readonly #around: Surroundings;
  #change: CertifiedChange | null = null;

  constructor(manager: EpochManager, around: Surroundings) {
    this.#manager = manager;
    this.#around = around;
  }

  /** Null where the newest record has certified none. */
  readonly current = (): CertifiedChange | null => {
    const { hash } = this.#manager.current();
    return this.#change?.certificate.statement.recordHash === hash ? this.#change : null;
  };

  async propose(
    council: Council,
    committee: Committee,
  ): Promise<Result<CommitCertificate, ProposeError>> {
    const certified = await council.propose(new Uint8Array(0), committee, null);
    if (!certified.ok) return certified;
    const change = { committee, certificate: certified.value };
    this.#change = change;
    for (const { endpoint } of this.#manager.current().record.candidates) {
      this.#around.transport.send(endpoint, { is: "change", change });
    }
    return ok(certified.value);
  }

  async hear(change: CertifiedChange): Promise<void> {
    const known = this.#manager.current();
    const committee = await verifyChange(this.#around.judge, known, change);
    if (committee !== null) this.#change = change;
  }
}
