/**
 * The validator object: never signs two histories, whatever crashes (C4, C9).
 *
 * A switchboard. It opens its key, is founded, and then runs the library's driver on its database; the
 * Worker authorises and parses what it forwards here. Before the founding it answers who it is, and no
 * more. Its alarm is a slow pulse: it wakes an object that was evicted while the leader is silent, so
 * that elections begin, fetches snapshots, and starts anew a driver whose store failed.
 */

import { DurableObject } from "cloudflare:workers";
import { decodeMessage } from "../../consensus/message-bytes.ts";
import type {
  FoundingBody,
  KeyCard,
  SignedMessage,
  ValidatorApi,
  ValidatorBody,
} from "../../core/api/committee-api.ts";
import { internalError, notFound, type Rejection, unavailable } from "../../core/api/rejection.ts";
import type { ValidatorWatch } from "../../core/api/watch.ts";
import type { Place } from "../../core/config/committee.ts";
import { parseConfig, type Vars } from "../../core/config/config.ts";
import { leaderOf } from "../../core/consensus/signed-header.ts";
import { memberOf } from "../../core/consensus/validator-state.ts";
import type { Hash32 } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { addressOfPrivateKey } from "../../crypto/key.ts";
import { PLATFORM } from "../sequencer/runtime.ts";
import { errorName, log } from "../shared/log.ts";
import {
  cardOf,
  type KeyProblem,
  keyRefused,
  type MemberKey,
  nextKey,
  openKey,
} from "../shared/member-key.ts";
import { type CommitteeMember, memberName, nameOfMember } from "../shared/members.ts";
import { migrate } from "../shared/migrate.ts";
import type { CommitteePeer } from "../shared/peer.ts";
import { askPartWith } from "../shared/snapshot-client.ts";
import { transact } from "../shared/transact.ts";
import { signFounding, storeFounding } from "./founding.ts";
import { keepSnapshots } from "./keep-snapshots.ts";
import { RunningValidator } from "./running.ts";
import type { Mounted, ValidatorRuntime } from "./runtime.ts";
import { insertIdentity, loadIdentity } from "./storage/identity.ts";
import { loadRecords } from "./storage/records.ts";
import { VALIDATOR_MIGRATIONS } from "./storage/schema.ts";
import { isKept, listSnapshots, loadPart } from "./storage/snapshots.ts";

type Answer<T> = Result<T, Rejection>;
type Fault = "misconfigured" | "unnamed" | "foreign" | `key-${KeyProblem}` | "fault";

/** From one alarm to the next. */
export const PULSE_MS = 10_000;

export class ValidatorObject<Env extends Vars, AppConfig>
  extends DurableObject<Env>
  implements ValidatorApi, CommitteePeer
{
  readonly #runtime: ValidatorRuntime | null;
  #fault: Fault | null = null;
  #key: MemberKey | null = null;
  #running: RunningValidator | null = null;

  /** `member` reaches the other objects of this deployment. */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    mounted: Mounted<AppConfig>,
    member: (config: ValidatorRuntime["config"], place: Place) => CommitteeMember,
  ) {
    super(ctx, env);
    migrate(ctx.storage, VALIDATOR_MIGRATIONS);
    this.#runtime = this.#assemble(mounted, member);
    if (this.#runtime !== null) void ctx.blockConcurrencyWhile(() => this.#wake());
  }

  async deliver(from: string, _to: string, bytes: Uint8Array): Promise<Uint8Array | null> {
    const message = decodeMessage(bytes);
    if (!message.ok) return null;
    return (await this.#running?.transport.deliver(from, message.value)) ?? null;
  }

  async deliverSigned(message: SignedMessage): Promise<Answer<Uint8Array | null>> {
    const running = this.#running;
    if (running === null) return err(this.#refusal());
    const opened = await running.delivery.open(message);
    return opened.ok ? ok(await running.transport.deliver(message.from, opened.value)) : opened;
  }

  async admits(question: SignedMessage): Promise<Answer<null>> {
    return (await this.#running?.delivery.admits(question)) ?? err(this.#refusal());
  }

  keyCard(): Promise<Answer<KeyCard>> {
    return Promise.resolve(this.#key === null ? err(this.#refusal()) : ok(cardOf(this.#key)));
  }

  /** The old key is never used again: no record lists the new one yet, so the validator is mute. */
  async rekey(): Promise<Answer<KeyCard>> {
    const runtime = this.#runtime;
    if (runtime === null) return err(this.#refusal());
    return await this.ctx.blockConcurrencyWhile(async () => {
      const next = await nextKey(this.#keeper(runtime));
      if (!next.ok) return err(keyRefused(next.error));
      this.#key = next.value;
      this.#fault = null;
      await this.#restart(runtime, next.value);
      log("warn", "rekeyed", { name: runtime.name, generation: next.value.generation });
      return ok(cardOf(next.value));
    });
  }

  async signFounding(record: Uint8Array): Promise<Answer<Uint8Array>> {
    if (this.#runtime === null || this.#key === null) return err(this.#refusal());
    return await signFounding(this.#runtime, this.#key, record);
  }

  async storeFounding(signedRecord: Uint8Array): Promise<Answer<FoundingBody>> {
    const [runtime, key] = [this.#runtime, this.#key];
    if (runtime === null || key === null) return err(this.#refusal());
    const stored = await storeFounding(runtime, key, signedRecord);
    if (stored.ok && this.#running === null) {
      await this.ctx.blockConcurrencyWhile(() => this.#restart(runtime, key));
    }
    return stored;
  }

  snapshotPart(hash: Hash32, part: number): Promise<Answer<Uint8Array>> {
    const sql = this.#runtime?.sql;
    const bytes = sql !== undefined && isKept(sql, hash) ? loadPart(sql, hash, part) : null;
    return Promise.resolve(bytes === null ? err(notFound("no such part")) : ok(bytes));
  }

  status(): Promise<Answer<ValidatorBody>> {
    const runtime = this.#runtime;
    if (runtime === null) return Promise.resolve(err(this.#refusal()));
    const running = this.#running;
    const durable = running?.durable ?? null;
    const key = this.#key?.signer.publicKey ?? null;
    return Promise.resolve(
      ok({
        name: runtime.name,
        mode: runtime.config.validatorMode,
        fault: this.#faultNow(),
        epoch: running?.head.record.epoch ?? null,
        promised_epoch: durable?.promised.epoch ?? null,
        is_member: running !== null && key !== null && memberOf(running.head.record, key) !== null,
        term: running?.election?.term ?? null,
        role: running?.election?.role ?? null,
        acked_height: durable?.tip?.chunk.ref.height ?? null,
        certified_height: durable === null ? null : durable.base.height,
        stored_chunks: durable?.chunks.length ?? 0,
        evidence: durable?.evidence.length ?? 0,
        snapshots: listSnapshots(runtime.sql).map(({ stateHash }) => stateHash),
      }),
    );
  }

  async watch(): Promise<Answer<ValidatorWatch>> {
    const status = await this.status();
    if (!status.ok) return status;
    return ok({ status: status.value, consensus: this.#running?.metrics.body() ?? null });
  }

  async heartbeat(): Promise<void> {
    if (this.#running !== null) await this.#ensurePulse();
  }

  override async alarm(): Promise<void> {
    const [runtime, key] = [this.#runtime, this.#key];
    if (runtime === null || key === null) return;
    try {
      await this.#pulse(runtime, key);
    } catch (error) {
      log("error", "pulse-failed", { error: errorName(error) });
    } finally {
      if (this.#running !== null) await this.ctx.storage.setAlarm(runtime.now() + PULSE_MS);
    }
  }

  async #pulse(runtime: ValidatorRuntime, key: MemberKey): Promise<void> {
    if (this.#running !== null && this.#running.fault !== null) {
      log("error", "validator-failed", { error: errorName(this.#running.fault) });
      await this.#restart(runtime, key);
    }
    const running = this.#running;
    if (running === null) return;
    const ask = askPartWith({
      self: () => running.endpoint,
      history: () => running.history,
      sign: key.signer.sign,
      now: runtime.now,
      later: runtime.later,
      member: runtime.member,
    });
    await keepSnapshots(runtime, leaderOf(running.head.record).endpoint, ask);
  }

  #assemble(
    mounted: Mounted<AppConfig>,
    member: (config: ValidatorRuntime["config"], place: Place) => CommitteeMember,
  ): ValidatorRuntime | null {
    const parsed = parseConfig(this.env, mounted.application, addressOfPrivateKey);
    if (!parsed.ok) return this.#refuse("misconfigured");
    const config = parsed.value;
    const { storage } = this.ctx;
    const stored = loadIdentity(storage.sql);
    const given = this.ctx.id.name;
    const name = stored?.name ?? (given === undefined ? null : nameOfMember(config, given));
    if (name === null) return this.#refuse("unnamed");
    const isOther =
      stored !== null && (stored.chainId !== config.chainId || stored.app !== config.app);
    if (isOther) return this.#refuse("foreign");
    return {
      ...PLATFORM,
      ...{ storage, sql: storage.sql, config, mounted, name },
      member: (place) => member(config, place),
    };
  }

  #refuse(fault: Fault): null {
    this.#fault = fault;
    log("error", "validator-refuses", { fault });
    return null;
  }

  /** Opens the key and, once founded, starts. Nothing else runs until it is done. */
  async #wake(): Promise<void> {
    const runtime = this.#runtime;
    if (runtime === null) return;
    try {
      if (loadIdentity(runtime.sql) === null) {
        const { chainId, app } = runtime.config;
        const identity = { chainId, app, name: runtime.name };
        transact(runtime.storage, () => insertIdentity(runtime.sql, identity));
      }
      const key = await openKey(this.#keeper(runtime));
      if (!key.ok) {
        this.#refuse(`key-${key.error}`);
        return;
      }
      this.#key = key.value;
      await this.#restart(runtime, key.value);
    } catch (error) {
      // Rows that break an invariant: nothing can be promised on them.
      this.#refuse("fault");
      log("error", "wake-failed", { error: errorName(error) });
    }
  }

  async #restart(runtime: ValidatorRuntime, key: MemberKey): Promise<void> {
    this.#running?.stop();
    this.#running = null;
    if (loadRecords(runtime.sql).length === 0) return;
    this.#running = await RunningValidator.start(runtime, key);
    await this.#ensurePulse();
  }

  async #ensurePulse(): Promise<void> {
    const { storage } = this.ctx;
    const nowMs = PLATFORM.now();
    const alarmMs = await storage.getAlarm();
    const isAhead = alarmMs !== null && alarmMs > nowMs && alarmMs <= nowMs + PULSE_MS;
    if (!isAhead) await storage.setAlarm(nowMs + PULSE_MS);
  }

  #keeper({ storage, config, name, now }: ValidatorRuntime) {
    const { validatorKek: kek } = config.secrets;
    return { storage, kek, now, objectName: `validator/${memberName(config, name)}` };
  }

  #faultNow(): string | null {
    return this.#running !== null && this.#running.fault !== null ? "store" : this.#fault;
  }

  #refusal(): Rejection {
    switch (this.#fault) {
      case "key-missing":
        return keyRefused("missing");
      case "key-wrong":
        return keyRefused("wrong");
      case "fault":
        return internalError;
      case null:
        return notFound("no committee yet");
      case "misconfigured":
      case "unnamed":
      case "foreign":
        return unavailable("refused");
    }
  }
}
