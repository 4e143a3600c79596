/**
 * The relay object: the feed for thousands of readers, near them (X3).
 *
 * A switchboard. It decides nothing about order: it hands on what its upstream sent, the leader's sequencer
 * or another relay, in upstream's order, and everything that it keeps can be had again from there. Whom it
 * follows is injected, by its name.
 */

import { DurableObject } from "cloudflare:workers";
import { parseSubscribeQuery } from "../../core/api/query.ts";
import { refusal } from "../../core/api/refusal.ts";
import { internalError, notFound, type Rejection } from "../../core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../core/api/sequencer-api.ts";
import { must } from "../../core/types/assert.ts";
import { err, type Result } from "../../core/types/result.ts";
import { PLATFORM } from "../sequencer/runtime.ts";
import { errorName, log } from "../shared/log.ts";
import { migrate } from "../shared/migrate.ts";
import { answerClose } from "../shared/readers.ts";
import { RELAY_LIMITS, type RelayLimits } from "./limits.ts";
import { RelayFeed } from "./relay-feed.ts";
import type { FeedObject, FeedSource } from "./source.ts";
import { RELAY_MIGRATIONS } from "./storage/schema.ts";
import { insertName, loadName } from "./storage/window.ts";

/** Whom the relay of this name follows, found anew at each call. */
export type ConnectRelay = (name: string) => Promise<FeedSource>;

export class RelayObject<Env> extends DurableObject<Env> implements FeedObject {
  readonly #feed: RelayFeed;
  readonly #limits: RelayLimits;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    connect: ConnectRelay,
    limits: RelayLimits = RELAY_LIMITS,
  ) {
    super(ctx, env);
    migrate(ctx.storage, RELAY_MIGRATIONS);
    const { now, random, later } = PLATFORM;
    this.#limits = limits;
    const name = () => must(loadName(ctx.storage.sql), "a relay that is used knows its name");
    this.#feed = new RelayFeed({ ctx, limits, now, random, later, connect: () => connect(name()) });
    if (loadName(ctx.storage.sql) !== null) this.#feed.resume();
  }

  feedPage(query: FeedQuery): Promise<Result<FeedPage, Rejection>> {
    return this.#ask(() => this.#feed.page(query));
  }

  /** Sockets; the Worker parsed the request and passes it on unchanged. */
  override async fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const answer = await this.#ask(() => this.#subscribe(url));
    if (answer.ok) return answer.value;
    const { status, headers, body } = refusal(answer.error);
    return new Response(body, { status, headers });
  }

  async #subscribe(url: URL): Promise<Result<Response, Rejection>> {
    // The Worker decoded the path, and it may be none of ours as it stands.
    if (url.pathname !== "/ws/subscribe") return err(notFound("not found"));
    const query = parseSubscribeQuery((name) => url.searchParams.get(name));
    if (!query.ok) return query;
    const answer = await this.#feed.subscribe(query.value);
    if (answer.ok) await this.#arm(this.#limits.pulseMs);
    return answer;
  }

  override async alarm(): Promise<void> {
    try {
      const dueMs = await this.#feed.tick();
      if (dueMs !== null) await this.#arm(dueMs);
    } catch (error) {
      log("error", "relay-tick-failed", { error: errorName(error) });
      await this.#arm(this.#limits.pulseMs);
    }
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    this.#feed.onMessage(socket, message);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#feed.onClose(socket);
    answerClose(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#feed.onClose(socket);
  }

  /** An alarm that is due sooner stays. */
  async #arm(delayMs: number): Promise<void> {
    const { storage } = this.ctx;
    const atMs = PLATFORM.now() + delayMs;
    const armed = await storage.getAlarm();
    if (armed === null || armed > atMs) await storage.setAlarm(atMs);
  }

  /** A broken invariant is logged and answered without its text. */
  async #ask<T>(question: () => Promise<Result<T, Rejection>>): Promise<Result<T, Rejection>> {
    try {
      this.#remember();
      return await question();
    } catch (error) {
      log("error", "request-failed", { error: errorName(error) });
      return err(internalError);
    }
  }

  /** An alarm does not tell the name. */
  #remember(): void {
    const { sql } = this.ctx.storage;
    const { name } = this.ctx.id;
    if (name !== undefined && loadName(sql) === null) insertName(sql, name);
  }
}
