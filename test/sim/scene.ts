/**
 * Candidates that lead one after the other, moved by a seeded hand instead of by their alarms.
 *
 * Each act is a whole turn of whoever leads. A leader that is replaced loses what it wrote last, but
 * nothing that a certified seal let it post (C7), and its successor opens an epoch on the rest (C6).
 */

import { encodeTransfer } from "../../src/apps/wallet/method.ts";
import type { SignedUserOp } from "../../src/core/api/sequencer-api.ts";
import { executeDirectInput } from "../../src/core/application/execute.ts";
import { decodeHeader } from "../../src/core/chunk/header.ts";
import { firstOffset, type StartPoint } from "../../src/core/consensus/epoch-record.ts";
import { chunkRef } from "../../src/core/consensus/signed-header.ts";
import { epoch } from "../../src/core/consensus/types.ts";
import { mustCloseBeforeOp } from "../../src/core/lane/decide.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { batchNonce, blockNumber, offset } from "../../src/core/types/units.ts";
import { encodeBatch } from "../../src/core/wire/batch.ts";
import { openEpoch } from "../../src/durable-objects/sequencer/open-epoch.ts";
import { rollBackFrom } from "../../src/durable-objects/sequencer/rollback.ts";
import { loadWireBatch } from "../../src/durable-objects/sequencer/storage/inclusion.ts";
import { Chain, type Contents, FIRST_BLOCK } from "./chain.ts";
import { users } from "./clients.ts";
import type { Options } from "./options.ts";
import { Random } from "./random.ts";
import { deposit, large, ownBatch } from "./scene-inputs.ts";
import { bytesOf, logOf, type Rebuilt, Site, type Written } from "./site.ts";

const SLOT_MS = 12_000;
const GWEI = 1_000_000_000n;

// biome-ignore format: one list
const OFTEN = [
  "op", "op", "op", "op", "mine", "mine", "burst", "frame", "frame", "seal", "land", "land", "cascade",
  "watermark",
] as const;

export type Act = (typeof OFTEN)[number];

export class Scene {
  readonly chain: Chain;
  readonly options: Options;
  readonly random: Random;
  leader: Site;
  /** Those that led before. */
  readonly retired: Site[] = [];
  /** How each of them was replaced. */
  readonly opened: { readonly epoch: number; readonly start: StartPoint }[] = [];
  epoch = 0;
  /** Nothing at or below this height is ever lost. */
  certified = 0;
  /** What happened, by kind. */
  readonly counts = new Map<string, number>();
  #walletNonce = 0;
  #nowMs = 1_900_000_000_000;
  readonly #nonces = new Map<string, number>();

  constructor(options: Options) {
    this.options = options;
    this.random = new Random(options.seed, "scene");
    this.chain = new Chain(this.#nowMs / 1000);
    this.mine();
    this.mine(users.map((user) => this.#deposit(user)));
    this.leader = this.newSite();
  }

  newSite(): Site {
    const site = new Site(this.options.config, this.chain);
    site.nowMs = this.#nowMs;
    return site;
  }

  /** Before the leader began: so many large inputs, which its first commit drains. */
  burden(count: number): void {
    this.mine(Array.from({ length: count }, () => this.#large()));
  }

  /** The leader begins a rebuilt era at the safe head, before any batch: all that L1 holds is in its state. */
  async foundRebuilt(): Promise<Rebuilt> {
    const { application, config } = this.leader.runtime;
    const { number: block, hash: blockHash, inputCount } = this.chain.safe;
    const state = application.genesis(config.appConfig);
    for (let at = FIRST_BLOCK; at <= block; at++) {
      for (const input of this.chain.canonical(at).inputs) executeDirectInput(state, input);
    }
    const rebuilt = { base: { block, blockHash, inputCount }, state: state.snapshot() };
    this.leader.lane.begin(() => ({
      ...{ randomEra: new Uint8Array(16).fill(9), anchorNonce: batchNonce(0), base: rebuilt.base },
      ...{ frameBlock: block, state },
    }));
    this.leader.storage.commitTurn();
    await this.leader.read();
    return rebuilt;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get log(): readonly Written[] {
    return logOf(this.leader.storage);
  }

  get era(): Uint8Array {
    return bytesOf(
      must(this.leader.storage.read("SELECT era FROM history")[0], "a history")["era"],
    );
  }

  /** A block with these inputs, safe at once. */
  mine(contents: Contents = []): void {
    this.#nowMs += SLOT_MS;
    const { number } = this.chain.append(contents, this.#nowMs, 20n * GWEI);
    this.chain.makeSafe(number);
  }

  /** One act of the leader, or of L1. */
  async act(): Promise<void> {
    const kind = this.random.pick(OFTEN);
    const isRare = kind === "burst" || kind === "cascade";
    if (!isRare || this.random.chance(0.3)) await this.actAs(kind);
  }

  /** An act of this kind, where the leader stands so that there is one. */
  async actAs(kind: Act): Promise<void> {
    this.#nowMs += this.random.below(SLOT_MS);
    this.leader.nowMs = this.#nowMs;
    if (await this.#perform(kind)) this.#count(kind);
    this.leader.storage.commitTurn();
  }

  async #perform(kind: Act): Promise<boolean> {
    const { lane } = this.leader;
    switch (kind) {
      case "op":
        return this.#include();
      case "mine":
        this.mine(this.random.chance(0.5) ? [this.#deposit(this.random.pick(users))] : []);
        return true;
      case "burst":
        this.mine(Array.from({ length: this.random.between(10, 30) }, () => this.#large()));
        return true;
      case "frame":
        return await this.#openFrame();
      case "seal":
        lane.commit((draft) => draft.seal());
        return true;
      case "watermark":
        lane.raiseWatermark(this.#newWatermark());
        return true;
      case "land":
        return await this.#land();
      case "cascade":
        return await this.#cascade();
    }
  }

  #include(): boolean {
    const ops = Array.from({ length: this.random.between(1, 5) }, () => this.#op());
    this.leader.lane.commit((draft) => {
      for (const op of ops) {
        if (mustCloseBeforeOp(draft.head, op.data.length)) draft.seal();
        draft.include(op);
      }
    });
    return true;
  }

  #op(): SignedUserOp {
    const sender = this.random.pick(users);
    const held = this.leader.live.state.nextNonce(sender);
    const nonce = Math.max(held, this.#nonces.get(sender) ?? 0);
    this.#nonces.set(sender, nonce + 1);
    return {
      sender,
      nonce,
      maxFee: 2_000,
      data: encodeTransfer(BigInt(this.random.between(1, 9)), this.random.pick(users)),
      signature: this.random.bytes(65),
    };
  }

  async #openFrame(): Promise<boolean> {
    await this.leader.read();
    const head = this.#safeHead(this.leader);
    if (head <= this.leader.live.head.safeBlock) return false;
    this.leader.lane.commit((draft) => draft.openFrame(blockNumber(head)));
    return true;
  }

  /** What is sealed is certified, posted and in the next block. */
  async #land(): Promise<boolean> {
    const { storage } = this.leader;
    await this.leader.read();
    const [batch] = storage.read(
      `SELECT batch_index FROM valid_closed_batches WHERE nonce =
         COALESCE((SELECT MAX(nonce) + 1 FROM safe_accepted_batches), 0)`,
    );
    if (batch === undefined) return false;
    this.certified = this.log.length - 1;
    const payload = encodeBatch(loadWireBatch(storage.view, Number(batch["batch_index"])));
    this.mine([ownBatch(this.options.config.submitter, this.#walletNonce++, payload)]);
    return true;
  }

  /** Voids from some batch on that L1 has not accepted. */
  async #cascade(): Promise<boolean> {
    const { storage, runtime, lane } = this.leader;
    await this.leader.read();
    const rows = storage.read(
      `SELECT batch_index FROM valid_batches WHERE nonce >=
         COALESCE((SELECT MAX(nonce) + 1 FROM safe_accepted_batches), 0) ORDER BY nonce`,
    );
    const pivot = Number(this.random.pick(rows)["batch_index"]);
    lane.renew(() => rollBackFrom(runtime, pivot));
    this.#nonces.clear();
    return true;
  }

  /** Another candidate takes over, with what it inherits; the log may end in the middle of a commit. */
  async transfer(rebuilt: Rebuilt | null = null): Promise<void> {
    const { log } = this;
    const inherited = this.random.between(this.certified, log.length - 1);
    this.epoch += this.random.between(1, 3);
    const successor = this.newSite();
    successor.receive(log.slice(0, inherited + 1), 0);
    const answer = await successor.follow(successor.follower(this.era, rebuilt), inherited);
    assert(answer.problem === null, "the log fits");
    this.retired.push(this.leader);
    this.leader = successor;
    this.#nonces.clear();
    await successor.read();
    const opened = { epoch: this.epoch, start: this.#startAfter(must(log[inherited], "a chunk")) };
    this.opened.push(opened);
    successor.lane.renew(() => openEpoch(successor.runtime, successor.live, opened));
    successor.storage.commitTurn();
    this.#count(inherited < log.length - 1 ? "loss" : "transfer");
  }

  /** Commits for whoever stands where the leader stands, each with what it says decided already. */
  continuation(): readonly ((site: Site) => void)[] {
    const ops = Array.from({ length: 6 }, () => this.#op());
    const watermark = this.#newWatermark();
    const { storage } = this.leader;
    const safeBlock = blockNumber(this.#safeHead(this.leader));
    const [tip] = storage.read("SELECT batch_index FROM valid_open_batch");
    const pivot = Number(must(tip, "N8: a batch is open")["batch_index"]) + 1;
    return [
      ({ lane }) => lane.commit((draft) => ops.slice(0, 3).map((op) => draft.include(op))),
      ({ lane }) => lane.commit((draft) => draft.openFrame(safeBlock)),
      ({ lane }) => lane.commit((draft) => draft.seal()),
      ({ lane }) => lane.raiseWatermark(watermark),
      ({ lane }) => lane.commit((draft) => ops.slice(3).map((op) => draft.include(op))),
      ({ lane }) => lane.commit((draft) => draft.seal()),
      ({ lane, runtime }) => lane.renew(() => rollBackFrom(runtime, pivot)),
    ];
  }

  #startAfter(chunk: Written): StartPoint {
    const header = decodeHeader(chunk.header);
    assert(header.ok, "a header decodes");
    const inherited = { ...chunkRef(header.value), epoch: epoch(header.value.epoch) };
    const keepThrough = offset(header.value.nextOffset - 1);
    const first = firstOffset(epoch(this.epoch), inherited, keepThrough);
    return { inherited, keepThrough, firstOffset: first };
  }

  #newWatermark(): number {
    const [row] = this.leader.storage.read("SELECT watermark FROM wallet_nonce_watermark");
    return Number(row?.["watermark"] ?? -1) + this.random.between(1, 3);
  }

  #safeHead({ storage }: Site): number {
    return Number(
      must(storage.read("SELECT block_number AS n FROM l1_safe_head")[0], "a head")["n"],
    );
  }

  #deposit(account: Address): Contents[number] {
    return deposit(this.options.config.appConfig, account);
  }

  #large(): Contents[number] {
    return large(this.random.below(256));
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}
