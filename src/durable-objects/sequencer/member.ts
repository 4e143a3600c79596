/**
 * The sequencer object as a member of the committee's network: its key, its messages, its founding (C9).
 *
 * It exists in every object under a committee, before the founding too: then it answers who it is, and
 * keeps the first record. Everything that follows from records is in `certify.ts`.
 */

import { provenEvidence } from "../../consensus/forks.ts";
import type { Message } from "../../consensus/messages.ts";
import type {
  EpochsBody,
  FoundingBody,
  FoundingOrder,
  KeyCard,
  SignedMessage,
} from "../../core/api/committee-api.ts";
import { badRequest, notFound, type Rejection, rejection } from "../../core/api/rejection.ts";
import type { Place } from "../../core/config/committee.ts";
import {
  decodeSignedRecord,
  encodeSignedRecord,
  recordClaim,
  type SignedRecord,
} from "../../core/consensus/epoch-chain.ts";
import { knownRecord } from "../../core/consensus/epoch-record-bytes.ts";
import { type Evidence, encodeEvidence } from "../../core/consensus/evidence.ts";
import { endpointOf, speakerAt } from "../../core/consensus/message-preimage.ts";
import { must } from "../../core/types/assert.ts";
import { bytesEqual } from "../../core/types/bytes.ts";
import { toHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { CommitteeTransport, type History } from "../shared/committee-transport.ts";
import { type FoundingMember, foundingClient } from "../shared/founding-client.ts";
import { log } from "../shared/log.ts";
import { type KeyProblem, type MemberKey, nextKey, openKey } from "../shared/member-key.ts";
import { memberName } from "../shared/members.ts";
import { SignedDelivery } from "../shared/signed-delivery.ts";
import { type AskPart, askPartWith } from "../shared/snapshot-client.ts";
import { transact } from "../shared/transact.ts";
import { Certify, type CertifyHooks } from "./certify.ts";
import { foundCommittee } from "./found.ts";
import { JUDGE } from "./new-candidate.ts";
import type { Runtime } from "./runtime.ts";
import { insertEvidence } from "./storage/committee.ts";
import { insertSignedRecord, loadGenesisHash, loadSignedRecords } from "./storage/epochs.ts";
import { loadHistory } from "./storage/history.ts";

/** Which of the configured candidates this object is. */
export type Own = {
  readonly id: string;
  readonly endpoint: string;
  /** The first of the configuration does the genesis, and leads epoch 0. */
  readonly isFirst: boolean;
};

/** Records of one answer. */
const EPOCHS_PAGE = 64;

const founded = rejection(409, "HISTORY_EXISTS", "another committee was founded");
const foreign = badRequest("not a founding record of this chain and application");
const unsigned = badRequest("the record is not signed by its members");

/** The stored key opens with no configured secret. */
class KeyRefused extends Error {
  override readonly name: string = "KeyRefused";
}

export class Member {
  readonly certify: Certify;
  readonly own: Own;
  /** Asks others for a part of a state. */
  readonly askPart: AskPart;
  readonly #runtime: Runtime;
  readonly #peer: (place: Place) => FoundingMember;
  readonly #transport: CommitteeTransport;
  readonly #delivery: SignedDelivery;
  #problem: KeyProblem | null = null;

  constructor(
    runtime: Runtime,
    own: Own,
    peer: (place: Place) => FoundingMember,
    hooks: CertifyHooks,
  ) {
    this.#runtime = runtime;
    this.#peer = peer;
    this.own = own;
    const { now, later } = runtime;
    const [self, history] = [() => this.endpoint, () => this.#history()];
    const sign: MemberKey["signer"]["sign"] = (message) =>
      must(this.certify.key, "a member has a key").signer.sign(message);
    this.#transport = new CommitteeTransport({
      ...{ now, later, self, history, peer, sign },
      isListed: (endpoint) => this.#speaker(endpoint) !== null,
    });
    this.askPart = askPartWith({ now, later, self, history, sign, member: peer });
    const speaker = (endpoint: string) => this.#speaker(endpoint);
    this.#delivery = new SignedDelivery({ self, history, speaker, now });
    this.certify = new Certify(runtime, this.#transport, hooks);
  }

  /** Opens the key, and goes on where the rows are. Call it where nothing else can run. */
  async wake(): Promise<void> {
    try {
      const key = await openKey(this.#keeper());
      if (key.ok) return await this.certify.begin(key.value);
      this.#problem = key.error;
      this.certify.fail(new KeyRefused());
    } catch (error) {
      // A row that is no key: nothing can be signed, and the object says so instead of dying again.
      this.certify.fail(error);
    }
  }

  /** As the newest record names it. */
  get endpoint(): string {
    const { record, key } = this.certify;
    const named =
      record === null || key === null
        ? null
        : endpointOf(record.record, (one) => bytesEqual(one, key.signer.publicKey));
    return named ?? this.own.endpoint;
  }

  /** As `CommitteePeer.deliver`. */
  deliver(from: string, message: Message): Promise<Uint8Array | null> {
    if (message.is === "evidence") void this.#keep(message.evidence);
    return this.#transport.deliver(from, message);
  }

  /** C4: what proves that somebody broke its word is shown to whoever asks about health. */
  async #keep(evidence: Evidence): Promise<void> {
    const chain = this.certify.manager?.chain() ?? null;
    if (chain === null || (await provenEvidence(JUDGE, chain, evidence)) === null) return;
    const { sql, storage, now } = this.#runtime;
    const isNew = transact(storage, () => insertEvidence(sql, encodeEvidence(evidence), now()));
    if (!isNew) return;
    const [first] = evidence.pair;
    const { epoch, height } = "header" in first ? first.header : first.statement;
    log("error", "evidence", { kind: evidence.kind, epoch, height });
  }

  async deliverSigned(message: SignedMessage): Promise<Result<Uint8Array | null, Rejection>> {
    const opened = await this.#delivery.open(message);
    return opened.ok ? ok(await this.deliver(message.from, opened.value)) : opened;
  }

  admits(question: SignedMessage): Promise<Result<null, Rejection>> {
    return this.#delivery.admits(question);
  }

  keyCard(): Result<KeyCard, Rejection> {
    const { key } = this.certify;
    return key === null ? err(this.#keyless()) : ok(cardOf(key));
  }

  /** The next key; this candidate is mute until a record lists it. Call it where nothing else can run. */
  async rekey(): Promise<Result<KeyCard, Rejection>> {
    const next = await nextKey(this.#keeper());
    if (!next.ok) return err(this.#keyless());
    await this.certify.end();
    await this.certify.begin(next.value);
    log("warn", "rekeyed", { name: this.own.id, generation: next.value.generation });
    return ok(cardOf(next.value));
  }

  /** Keeps the signed record of epoch 0, and begins. Idempotent. */
  async storeFounding(bytes: Uint8Array): Promise<Result<FoundingBody, Rejection>> {
    const { key } = this.certify;
    if (key === null) return err(this.#keyless());
    const decoded = decodeSignedRecord(bytes);
    if (!decoded.ok || !this.#isOurs(decoded.value)) return err(foreign);
    const { hash } = knownRecord(decoded.value.record);
    const claim = recordClaim(decoded.value, { genesis: hash });
    if (!claim.ok || !(await JUDGE.settle(claim.value)).ok) return err(unsigned);
    // From here to the write nothing waits.
    const { sql, storage } = this.#runtime;
    const stored = loadGenesisHash(sql);
    if (stored !== null && stored !== hash) return err(founded);
    if (stored === null) transact(storage, () => insertSignedRecord(sql, decoded.value));
    await this.certify.begin(key);
    return ok({ ok: true, epoch: 0, hash });
  }

  /** The operator's order. Only the first candidate founds. */
  async found(order: FoundingOrder): Promise<Result<FoundingBody, Rejection>> {
    const card = this.keyCard();
    if (!card.ok) return card;
    if (!this.own.isFirst) return err(badRequest("another candidate founds the committee"));
    const founder = {
      runtime: this.#runtime,
      own: { id: this.own.id, card: card.value },
      client: foundingClient(this.#peer, order.tokens),
      keep: (signedRecord: Uint8Array) => this.storeFounding(signedRecord),
    };
    return await foundCommittee(founder, order);
  }

  epochs(after: number): EpochsBody {
    const { sql } = this.#runtime;
    const records = loadSignedRecords(sql, after, EPOCHS_PAGE);
    return {
      records: records.map((one) => toHex(encodeSignedRecord(one))),
      genesis: loadGenesisHash(sql),
    };
  }

  /** Of epoch 0, from the beginning of a log: this object's own, where it has one. */
  #isOurs({ record }: SignedRecord): boolean {
    const { config, sql } = this.#runtime;
    const history = loadHistory(sql);
    return (
      record.epoch === 0 &&
      record.start.inherited === null &&
      record.chainId === config.chainId &&
      record.app === config.app &&
      (history === null ? !this.own.isFirst : bytesEqual(record.era, history.era))
    );
  }

  #history(): History | null {
    const { record } = this.certify;
    return record === null ? null : record.record;
  }

  #speaker(endpoint: string) {
    const { record } = this.certify;
    return record === null ? null : speakerAt(record.record, endpoint);
  }

  #keeper() {
    const { storage, config, now } = this.#runtime;
    const objectName = `sequencer/${memberName(config, this.own.id)}`;
    return { storage, now, objectName, kek: config.secrets.validatorKek };
  }

  #keyless(): Rejection {
    const why =
      this.#problem === "wrong"
        ? "the key was sealed with another SEQ_VALIDATOR_KEK"
        : "SEQ_VALIDATOR_KEK is not set";
    return this.#problem === null
      ? notFound("no committee yet")
      : rejection(503, "UNAVAILABLE", why);
  }
}

function cardOf({ signer, generation }: MemberKey): KeyCard {
  const { publicKey, proof, scheme } = signer;
  return { key: toHex(publicKey), proof: toHex(proof), scheme, generation };
}
