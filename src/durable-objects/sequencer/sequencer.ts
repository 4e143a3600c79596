/**
 * The sequencer object: decides order once, and can always prove what it decided.
 *
 * A switchboard. The lane orders, `service` says whether it may, `duties` hang on the alarm, `feed`
 * owns the sockets; this class only routes to them. The Worker authorises and parses what it
 * forwards here.
 */

import { DurableObject } from "cloudflare:workers";
import { parseSubscribeQuery } from "../../core/api/query.ts";
import type { RebuildManifest } from "../../core/api/rebuild.ts";
import { refusal } from "../../core/api/refusal.ts";
import { internalError, notFound, type Rejection, unavailable } from "../../core/api/rejection.ts";
import type {
  DeploymentBody,
  DigestBody,
  FeedPage,
  FeedQuery,
  FeeQuote,
  FinalizedBody,
  HealthBody,
  RebuildPart,
  RebuildProgress,
  RebuildUpload,
  SequencerApi,
  SignedUserOp,
  SoftConfirmation,
  TransactionBody,
} from "../../core/api/sequencer-api.ts";
import type { Application } from "../../core/application/application.ts";
import { parseConfig, type Vars } from "../../core/config/config.ts";
import { assert } from "../../core/types/assert.ts";
import type { Address } from "../../core/types/hex.ts";
import { CHUNK_OPS_MAX } from "../../core/types/protocol.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import type { Keccak256 } from "../../core/wire/user-op.ts";
import { addressOfPrivateKey } from "../../crypto/key.ts";
import { createSubmitter } from "../../l1/submitter.ts";
import { errorName, log } from "../shared/log.ts";
import { migrate } from "../shared/migrate.ts";
import { Duties, type Parts } from "./duties.ts";
import { Feed } from "./feed.ts";
import { Lane } from "./lane.ts";
import { MemoryStore } from "./memory.ts";
import { putPart, startUpload } from "./rebuild.ts";
import { Recovery } from "./recover.ts";
import { PLATFORM, type Runtime } from "./runtime.ts";
import { Snapshots } from "./serve-snapshots.ts";
import { Service } from "./service.ts";
import { deployment, feeQuote, health, transaction } from "./status.ts";
import { loadHistory } from "./storage/history.ts";
import { SEQUENCER_MIGRATIONS } from "./storage/schema.ts";

type Answer<T> = Result<T, Rejection>;

/** What the composition root mounts. */
export type Mounted<AppConfig> = {
  readonly application: Application<AppConfig>;
  readonly keccak: Keccak256;
};

type All = Parts & { readonly memory: MemoryStore; readonly duties: Duties };

/** `Env` is the Worker's environment: the variables of decisions section 9. */
export class SequencerObject<Env extends Vars, AppConfig>
  extends DurableObject<Env>
  implements SequencerApi
{
  /** Null when the configuration is refused; the Worker answers for it then. */
  readonly #all: All | null;

  constructor(ctx: DurableObjectState, env: Env, mounted: Mounted<AppConfig>) {
    super(ctx, env);
    migrate(ctx.storage, SEQUENCER_MIGRATIONS);
    this.#all = assemble(ctx, env, mounted);
    if (this.#all !== null) ctx.waitUntil(this.#all.duties.ensureAlarm());
  }

  submit(op: SignedUserOp): Promise<Answer<SoftConfirmation>> {
    if (this.#all === null) return Promise.resolve(err(unavailable("refused")));
    const mode = this.#all.service.mode();
    if (mode !== "serving") return Promise.resolve(err(unavailable(mode)));
    return this.#all.lane.submit(op);
  }

  submitGroup(ops: readonly SignedUserOp[]): Promise<readonly Answer<SoftConfirmation>[]> {
    assert(ops.length <= CHUNK_OPS_MAX, "a group of submissions is bounded");
    return Promise.all(ops.map((op) => this.submit(op)));
  }

  fee(): Promise<Answer<FeeQuote>> {
    return this.#answer(({ runtime, memory }) => feeQuote(runtime, memory));
  }

  nextNonce(sender: Address): Promise<Answer<number>> {
    return this.#answer(({ memory }) => {
      const live = memory.get();
      return live === null ? err(unavailable("starting")) : ok(live.state.nextNonce(sender));
    });
  }

  deployment(): Promise<Answer<DeploymentBody>> {
    return this.#answer(({ runtime }) => deployment(runtime));
  }

  transaction(sender: Address, nonce: number): Promise<Answer<TransactionBody>> {
    return this.#answer(({ runtime }) => transaction(runtime, sender, nonce));
  }

  health(): Promise<HealthBody> {
    const all = this.#all;
    if (all === null) return Promise.resolve(MISCONFIGURED);
    const mode = all.service.derive();
    const recovery = mode === "recovering" ? all.recovery.status() : null;
    const { refusal } = all.service;
    const facts = { mode, refusal, isQueueFull: all.lane.isQueueFull, recovery };
    return Promise.resolve(health(all.runtime, facts));
  }

  feedPage(query: FeedQuery): Promise<Answer<FeedPage>> {
    return this.#answer(({ runtime, feed }) =>
      loadHistory(runtime.sql) === null ? err(unavailable("starting")) : feed.page(query),
    );
  }

  finalized(): Promise<Answer<FinalizedBody>> {
    return this.#answer(({ snapshots }) => snapshots.finalized());
  }

  finalizedDigest(): Promise<Answer<DigestBody>> {
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
    this.#all?.service.derive();
    await this.#all?.duties.ensureAlarm();
  }

  override async alarm(): Promise<void> {
    await this.#all?.duties.tick();
  }

  /** Sockets and streamed states; the Worker authorised the request and passes it on unchanged. */
  override fetch(request: Request): Response {
    const url = new URL(request.url);
    const answer = this.#ask((all) => this.#stream(all, url, request));
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
    // Without an answer the peer waits 10 s, whatever code it sent.
    socket.close(isSendable(code) ? code : 1000, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#all?.feed.onClose(socket);
  }

  #answer<T>(question: (all: All) => Answer<T>): Promise<Answer<T>> {
    return Promise.resolve(this.#ask(question));
  }

  /** Answers from the parts. A broken invariant is logged and answered without its text. */
  #ask<T>(question: (all: All) => Answer<T>): Answer<T> {
    if (this.#all === null) return err(unavailable("refused"));
    try {
      return question(this.#all);
    } catch (error) {
      log("error", "request-failed", { error: errorName(error) });
      return err(internalError);
    }
  }
}

/** 1004 is reserved; 1005, 1006 and 1015 stand for "no code" and "lost"; a peer may send any number. */
function isSendable(code: number): boolean {
  return code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
}

const MISCONFIGURED: HealthBody = {
  status: "degraded",
  mode: "refused",
  safe_block: null,
  safe_block_age_s: null,
  blocks_to_danger: null,
  unposted_batches: null,
  oldest_unposted_age_s: null,
  feed_head: null,
  era: null,
  generation: null,
  refusal: "misconfigured",
  recovery: null,
};

function assemble<AppConfig>(
  ctx: DurableObjectState,
  vars: Vars,
  mounted: Mounted<AppConfig>,
): All | null {
  const { application, keccak } = mounted;
  const config = parseConfig(vars, application, addressOfPrivateKey);
  if (!config.ok) return null;
  const { storage } = ctx;
  const runtime: Runtime = {
    storage,
    sql: storage.sql,
    config: config.value,
    application,
    keccak,
    ...PLATFORM,
  };
  const memory = new MemoryStore(runtime);
  const recovery = new Recovery(runtime);
  const service = new Service(runtime, memory, recovery);
  const feed = new Feed(runtime, ctx);
  const lane = new Lane(runtime, memory, {
    mode: () => service.mode(),
    publish: (records) => feed.publish(records),
  });
  const snapshots = new Snapshots(runtime);
  const submitter = createSubmitter(config.value.secrets.submitterKey);
  const parts = { runtime, recovery, service, lane, feed, snapshots, submitter };
  return { ...parts, memory, duties: new Duties(parts) };
}
