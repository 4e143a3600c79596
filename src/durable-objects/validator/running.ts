/**
 * A founded validator at work: the library's driver on this object's database, transport and clock.
 *
 * Messages are handled one after the other, and between what is read for a decision and its write
 * nothing waits; what is then said leaves through the object's output gate, behind the write.
 */

import { Metrics } from "../../consensus/metrics.ts";
import { Validator } from "../../consensus/validator.ts";
import { objectEndpoint } from "../../core/config/committee.ts";
import { ELECTION_RULES } from "../../core/consensus/election-rules.ts";
import type { KnownRecord } from "../../core/consensus/epoch-record.ts";
import { knownRecord } from "../../core/consensus/epoch-record-bytes.ts";
import { endpointOf, speakerAt } from "../../core/consensus/message-preimage.ts";
import type { ValidatorDurable } from "../../core/consensus/validator-state.ts";
import { must } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { schemes, settleAsync } from "../../crypto/schemes/registry.ts";
import { committeeClock } from "../shared/committee-clock.ts";
import { CommitteeTransport, type History } from "../shared/committee-transport.ts";
import type { MemberKey } from "../shared/member-key.ts";
import { SignedDelivery } from "../shared/signed-delivery.ts";
import { payloadCheck } from "./check-payload.ts";
import { settledByMs } from "./keep-snapshots.ts";
import type { ValidatorRuntime } from "./runtime.ts";
import { loadRecords } from "./storage/records.ts";
import { SqliteValidatorStore } from "./storage/store.ts";

export class RunningValidator {
  readonly #runtime: ValidatorRuntime;
  readonly #key: MemberKey;
  readonly metrics = new Metrics();
  readonly transport: CommitteeTransport;
  readonly delivery: SignedDelivery;
  readonly #validator: Validator;
  readonly #genesis: KnownRecord;

  private constructor(runtime: ValidatorRuntime, key: MemberKey) {
    this.#runtime = runtime;
    this.#key = key;
    const [genesis] = loadRecords(runtime.sql);
    this.#genesis = knownRecord(must(genesis, "a validator that runs is founded").record);
    this.transport = new CommitteeTransport({
      ...this.#time(),
      self: () => this.endpoint,
      isListed: (endpoint) => speakerAt(this.head.record, endpoint) !== null,
      history: () => this.history,
      sign: key.signer.sign,
      peer: runtime.member,
    });
    this.delivery = new SignedDelivery({
      self: () => this.endpoint,
      history: () => this.history,
      speaker: (endpoint) => speakerAt(this.head.record, endpoint),
      now: runtime.now,
    });
    this.#validator = this.#assemble();
  }

  /** Asserts that the founding is stored. */
  static async start(runtime: ValidatorRuntime, key: MemberKey): Promise<RunningValidator> {
    const running = new RunningValidator(runtime, key);
    await running.#validator.start();
    return running;
  }

  stop(): void {
    this.#validator.stop();
  }

  /** Null once it stopped. */
  get durable(): ValidatorDurable | null {
    return this.#validator.durable;
  }

  get election(): Validator["election"] {
    return this.#validator.election;
  }

  get fault(): unknown {
    return this.#validator.fault;
  }

  /** The newest record. */
  get head(): KnownRecord {
    return this.#validator.head ?? this.#genesis;
  }

  get history(): History {
    const { chainId, app, era } = this.#genesis.record;
    return { chainId, app, era };
  }

  /** As the newest record names it; a validator that is in none has its object's. */
  get endpoint(): string {
    const own = endpointOf(this.head.record, (key) => bytesEqual(key, this.#key.signer.publicKey));
    return own ?? objectEndpoint("validator", this.#runtime.name);
  }

  #time() {
    const { now, later } = this.#runtime;
    return { now, later };
  }

  #assemble(): Validator {
    const { storage, random } = this.#runtime;
    const settled = () => settledByMs(this.#runtime);
    const options = {
      store: new SqliteValidatorStore(storage, this.#key.generation, settled),
      signer: this.#key.signer,
      checkPayload: payloadCheck(this.#runtime),
      genesis: this.#genesis.hash,
      rules: ELECTION_RULES,
      metrics: this.metrics,
    };
    return new Validator(options, {
      clock: committeeClock(this.#time()),
      random,
      transport: this.transport,
      judge: { schemes, settle: settleAsync },
    });
  }
}
