/**
 * The sequencer object: decides order once, and can always prove what it decided.
 *
 * A switchboard. The lane orders, `service` says whether it may, `duties` hang on the alarm, `feed`
 * owns the sockets; this class only routes to them. The Worker authorises and parses what it
 * forwards here.
 */

import { DurableObject } from "cloudflare:workers";
import { decodeMessage } from "../../consensus/message-bytes.ts";
import type {
  CandidateApi,
  EpochsBody,
  FoundingBody,
  FoundingOrder,
  KeyCard,
  SignedMessage,
} from "../../core/api/committee-api.ts";
import type {
  ConductorApi,
  ConductorCommand,
  ConductorProblem,
  ConductorState,
} from "../../core/api/conductor-rpc.ts";
import { parseSubscribeQuery } from "../../core/api/query.ts";
import type { RebuildManifest } from "../../core/api/rebuild.ts";
import { refusal } from "../../core/api/refusal.ts";
import { internalError, notFound, type Rejection, unavailable } from "../../core/api/rejection.ts";
import type {
  CertificatesPage,
  CertificatesQuery,
  FeedPage,
  FeedQuery,
  HealthBody,
  Leadership,
  RebuildPart,
  RebuildProgress,
  RebuildUpload,
  SequencerApi,
  SignedUserOp,
  SoftConfirmation,
  TransactionBody,
} from "../../core/api/sequencer-api.ts";
import type { Vars } from "../../core/config/config.ts";
import { leaderOf } from "../../core/consensus/signed-header.ts";
import { assert } from "../../core/types/assert.ts";
import type { Address, Hash32 } from "../../core/types/hex.ts";
import { CHUNK_OPS_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { errorName, log } from "../shared/log.ts";
import { migrate } from "../shared/migrate.ts";
import type { CommitteePeer } from "../shared/peer.ts";
import { answerClose } from "../shared/readers.ts";
import { type All, assemble, MISCONFIGURED, type Mounted } from "./assemble.ts";
import { certificatesPage, noCommittee } from "./committee-status.ts";
import { conduct, conductorState } from "./conduct.ts";
import { submitOp } from "./intake.ts";
import type { Member } from "./member.ts";
import { healthOf, overviewOf, watchOf } from "./overview.ts";
import { certified } from "./promise.ts";
import { putPart, startUpload } from "./rebuild.ts";
import { deployment, feeQuote, transaction } from "./status.ts";
import { loadHistory } from "./storage/history.ts";
import { SEQUENCER_MIGRATIONS } from "./storage/schema.ts";

type Answer<T> = Result<T, Rejection>;

/** `Env` is the Worker's environment: the variables of decisions section 9. */
export class SequencerObject<Env extends Vars, AppConfig>
  extends DurableObject<Env>
  implements SequencerApi, CandidateApi, ConductorApi, CommitteePeer
{
  /** Null when the configuration is refused; the Worker answers for it then. */
  readonly #all: All | null;

  constructor(ctx: DurableObjectState, env: Env, mounted: Mounted<AppConfig>) {
    super(ctx, env);
    migrate(ctx.storage, SEQUENCER_MIGRATIONS);
    const all = assemble(ctx, env, mounted);
    this.#all = all;
    if (all === null) return;
    const { member } = all;
    // Its key is not opened synchronously; nobody is answered before it is.
    if (member !== null) void ctx.blockConcurrencyWhile(() => member.wake());
    ctx.waitUntil(all.duties.ensureAlarm());
  }

  async submit(op: SignedUserOp, waits: boolean = false): Promise<Answer<SoftConfirmation>> {
    this.#all?.counters.called();
    const answer = await this.#ordered(op);
    if (!waits || !answer.ok || this.#all === null) return answer;
    return ok(await certified(this.#all, answer.value));
  }

  submitGroup(ops: readonly SignedUserOp[]): Promise<readonly Answer<SoftConfirmation>[]> {
    assert(ops.length <= CHUNK_OPS_MAX, "a group of submissions is bounded");
    this.#all?.counters.called();
    return Promise.all(ops.map((op) => this.#ordered(op)));
  }

  #ordered(op: SignedUserOp): Promise<Answer<SoftConfirmation>> {
    if (this.#all === null) return Promise.resolve(err(unavailable("refused")));
    return submitOp(this.#all, op);
  }

  fee(): ReturnType<SequencerApi["fee"]> {
    return this.#answer(({ runtime, memory }) => feeQuote(runtime, memory));
  }

  nextNonce(sender: Address): Promise<Answer<number>> {
    return this.#answer(({ memory }) => {
      const live = memory.get();
      return live === null ? err(unavailable("starting")) : ok(live.state.nextNonce(sender));
    });
  }

  deployment(): ReturnType<SequencerApi["deployment"]> {
    return this.#answer(({ runtime }) => deployment(runtime));
  }

  transaction(sender: Address, nonce: number): Promise<Answer<TransactionBody>> {
    return this.#answer(({ runtime, member }) =>
      transaction(runtime, sender, nonce, member?.certify.committed ?? null),
    );
  }

  health(): Promise<HealthBody> {
    return Promise.resolve(this.#all === null ? MISCONFIGURED : healthOf(this.#all));
  }

  overview(): ReturnType<SequencerApi["overview"]> {
    return this.#answer((all) => ok(overviewOf(all)));
  }

  watch(): ReturnType<SequencerApi["watch"]> {
    return this.#answer((all) => ok(watchOf(all)));
  }

  feedPage(query: FeedQuery): Promise<Answer<FeedPage>> {
    return this.#answer(({ runtime, feed }) =>
      loadHistory(runtime.sql) === null ? err(unavailable("starting")) : feed.page(query),
    );
  }

  certificates(query: CertificatesQuery): Promise<Answer<CertificatesPage>> {
    return this.#ofMember(({ runtime }) => certificatesPage(runtime.sql, query));
  }

  async deliver(from: string, _to: string, bytes: Uint8Array): Promise<Uint8Array | null> {
    const message = decodeMessage(bytes);
    if (!message.ok) return null;
    return (await this.#all?.member?.deliver(from, message.value)) ?? null;
  }

  deliverSigned(message: SignedMessage): Promise<Answer<Uint8Array | null>> {
    return this.#asMember((member) => member.deliverSigned(message));
  }

  admits(question: SignedMessage): Promise<Answer<null>> {
    return this.#asMember((member) => member.admits(question));
  }

  keyCard(): Promise<Answer<KeyCard>> {
    return this.#ofMember((_all, member) => member.keyCard());
  }

  rekey(): Promise<Answer<KeyCard>> {
    return this.#asMember((member) => this.ctx.blockConcurrencyWhile(() => member.rekey()));
  }

  storeFounding(signedRecord: Uint8Array): Promise<Answer<FoundingBody>> {
    return this.#asMember((member) => member.storeFounding(signedRecord));
  }

  /** What a founding asks of validators; a candidate is none. */
  signFounding(): Promise<Answer<Uint8Array>> {
    return Promise.resolve(err(notFound("no validator")));
  }

  found(order: FoundingOrder): Promise<Answer<FoundingBody>> {
    return this.#asMember((member) => member.found(order));
  }

  epochs(after: number): Promise<Answer<EpochsBody>> {
    return this.#ofMember((_all, member) => ok(member.epochs(after)));
  }

  leadership(): Promise<Leadership | null> {
    const record = this.#all?.member?.certify.record?.record ?? null;
    return Promise.resolve(
      record === null ? null : { epoch: record.epoch, endpoint: leaderOf(record).endpoint },
    );
  }

  conductorState(): Promise<ConductorState | null> {
    return Promise.resolve(this.#all === null ? null : conductorState(this.#all));
  }

  conductorCommand(command: ConductorCommand): Promise<Result<null, ConductorProblem>> {
    return this.#all === null ? Promise.resolve(err("no-committee")) : conduct(this.#all, command);
  }

  snapshotPart(hash: Hash32, part: number): Promise<Answer<Uint8Array>> {
    return this.#ofMember(({ snapshots }) => snapshots.part(hash, part));
  }

  finalized(): ReturnType<SequencerApi["finalized"]> {
    return this.#answer(({ snapshots }) => snapshots.finalized());
  }

  finalizedDigest(): ReturnType<SequencerApi["finalizedDigest"]> {
    return this.#answer(({ snapshots }) => snapshots.digest());
  }

  startRebuild(manifest: RebuildManifest): Promise<Answer<RebuildUpload>> {
    return this.#answer(({ runtime }) => startUpload(runtime, manifest));
  }

  putRebuildPart(part: RebuildPart): Promise<Answer<RebuildProgress>> {
    return this.#answer(({ runtime, lane }) =>
      putPart(runtime, lane, part, runtime.randomBytes(16)),
    );
  }

  async heartbeat(): Promise<void> {
    this.#all?.counters.beat(this.#all.runtime.now());
    this.#all?.service.derive();
    await this.#all?.duties.ensureAlarm();
  }

  override async alarm(): Promise<void> {
    await this.#all?.duties.tick();
  }

  /** Sockets and streamed states; the Worker authorised the request and passes it on unchanged. */
  override fetch(request: Request): Response {
    const url = new URL(request.url);
    const id = request.headers.get("x-request-id");
    const answer = this.#ask((all) => this.#stream(all, url, request), id);
    if (answer.ok) return answer.value;
    const { status, headers, body } = refusal(answer.error);
    return new Response(body, { status, headers });
  }

  #stream(all: All, url: URL, request: Request): Answer<Response> {
    if (loadHistory(all.runtime.sql) === null) return err(unavailable("starting"));
    switch (url.pathname) {
      case "/ws/subscribe": {
        const query = parseSubscribeQuery((name) => url.searchParams.get(name));
        return query.ok ? all.feed.subscribe(query.value) : query;
      }
      case "/finalized_state":
        return all.snapshots.streamFinalized(request.headers.get("if-none-match"));
      case "/latest_snapshot":
        return all.snapshots.streamLatest();
      default:
        // The Worker decoded the path, and it is none of ours as it stands.
        return err(notFound("not found"));
    }
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#all?.feed.onMessage(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#all?.feed.onClose(socket);
    answerClose(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#all?.feed.onClose(socket);
  }

  /** Of an object under a committee; there is no such thing in another one. */
  #ofMember<T>(question: (all: All, member: Member) => Answer<T>): Promise<Answer<T>> {
    return this.#answer((all) => (all.member === null ? noCommittee : question(all, all.member)));
  }

  #asMember<T>(question: (member: Member) => Promise<Answer<T>>): Promise<Answer<T>> {
    const member = this.#all?.member ?? null;
    return member === null ? Promise.resolve(noCommittee) : question(member);
  }

  #answer<T>(question: (all: All) => Answer<T>): Promise<Answer<T>> {
    return Promise.resolve(this.#ask(question));
  }

  /** Answers from the parts. A broken invariant is logged and answered without its text. */
  #ask<T>(question: (all: All) => Answer<T>, requestId: string | null = null): Answer<T> {
    if (this.#all === null) return err(unavailable("refused"));
    try {
      return question(this.#all);
    } catch (error) {
      log("error", "request-failed", { error: errorName(error), request_id: requestId });
      return err(internalError);
    }
  }
}
