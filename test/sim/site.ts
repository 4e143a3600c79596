/**
 * A candidate without its alarm: database, memory, lane and reader, moved by hand over a simulated L1.
 *
 * One leads and writes a log, others follow it. L1 answers at once and tells the truth.
 */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { type WalletConfig, walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { ApplicationState } from "../../src/core/application/application.ts";
import type { Config } from "../../src/core/config/config.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { assert, must } from "../../src/core/types/assert.ts";
import { ok } from "../../src/core/types/result.ts";
import { type BlockNumber, batchNonce, blockNumber, unixMs } from "../../src/core/types/units.ts";
import { Counters } from "../../src/durable-objects/sequencer/counters.ts";
import {
  type Followed,
  type FollowedLog,
  followOnce,
} from "../../src/durable-objects/sequencer/follow.ts";
import { Lane } from "../../src/durable-objects/sequencer/lane.ts";
import { type Memory, MemoryStore } from "../../src/durable-objects/sequencer/memory.ts";
import { pinIdentity, readL1 } from "../../src/durable-objects/sequencer/read-l1.ts";
import {
  type Advance,
  advance,
  type Follower,
  readThrough,
  receiveChunks,
} from "../../src/durable-objects/sequencer/replica.ts";
import type { Runtime } from "../../src/durable-objects/sequencer/runtime.ts";
import type { Base } from "../../src/durable-objects/sequencer/storage/history.ts";
import type { ReceivedChunk } from "../../src/durable-objects/sequencer/storage/replica.ts";
import { migrate } from "../../src/durable-objects/shared/migrate.ts";
import type { L1 } from "../../src/l1/l1.ts";
import { CHAIN_ID } from "../support/l1-ledger.ts";
import type { Chain } from "./chain.ts";
import { INPUT_BOX, INPUT_BOX_BLOCK } from "./endpoint.ts";
import { MIGRATIONS } from "./parts.ts";
import { asPlatform, SimStorage } from "./storage.ts";

const SLICE_BLOCKS = 10_000;
const TICK_BLOCKS = 7;

/** A baseline before the first batch (R5). */
export type Rebuilt = { readonly base: Base; readonly state: Uint8Array };

export class Site {
  readonly storage: SimStorage;
  readonly runtime: Runtime;
  readonly published: FeedRecord[] = [];
  nowMs = 1_900_000_000_000;
  readonly #l1: L1;
  #memory: MemoryStore;
  #lane: Lane;

  constructor(config: Config<WalletConfig>, chain: Chain, storage: SimStorage = new SimStorage()) {
    this.storage = storage;
    this.#l1 = honest(chain);
    this.runtime = {
      config,
      application: walletApplication,
      keccak: keccak_256,
      storage: storage.platform,
      sql: storage.sql,
      now: () => unixMs(this.nowMs),
      random: () => 0.5,
      randomBytes: (count) => new Uint8Array(count).fill(7),
      later: () => () => undefined,
      connect: () => this.#l1,
    };
    migrate(storage.platform, MIGRATIONS);
    storage.commitTurn();
    this.#memory = new MemoryStore(this.runtime);
    this.#lane = this.#newLane();
  }

  get memory(): MemoryStore {
    return this.#memory;
  }

  get lane(): Lane {
    return this.#lane;
  }

  get live(): Memory {
    return must(this.#memory.get(), "there is a history");
  }

  /** The object dies; what its turns committed stays. */
  die(): void {
    this.storage.abandonTurn();
    this.#memory = new MemoryStore(this.runtime);
    this.#lane = this.#newLane();
  }

  /** Reads as far as it may; the safe head, or `blockMax`. */
  async read(blockMax: BlockNumber | null = null): Promise<void> {
    for (let isMore = true; isMore; ) {
      const identity = await pinIdentity(this.runtime, this.#l1);
      assert(identity.ok, "L1 answers");
      const { value } = identity;
      const read = await readL1(this.runtime, this.#l1, value, SLICE_BLOCKS, blockMax);
      assert(read.ok, "L1 answers");
      this.storage.commitTurn();
      isMore = read.value.advanced && !read.value.reachedSafeHead;
    }
  }

  /** What leads begins, at the safe head of L1. */
  async found(): Promise<void> {
    await this.read();
    const head = must(this.storage.read("SELECT block_number FROM l1_safe_head")[0], "a head");
    this.lane.genesis(blockNumber(Number(head["block_number"])), new Uint8Array(16).fill(7));
    this.storage.commitTurn();
  }

  /** A follower from the beginning of this era on, or from what a rebuild found. */
  follower(era: Uint8Array, rebuilt: Rebuilt | null = null): Follower {
    const { application, config } = this.runtime;
    const state = (): ApplicationState => {
      if (rebuilt === null) return application.genesis(config.appConfig);
      const restored = application.restore(config.appConfig, rebuilt.state);
      assert(restored.ok, "V1: a snapshot restores");
      return restored.value;
    };
    const origin = { era, anchorNonce: batchNonce(0), base: rebuilt?.base ?? null, state };
    return { runtime: this.runtime, lane: this.lane, memory: this.memory, origin };
  }

  /** Takes in chunks that follow those it has or holds. */
  receive(chunks: readonly ReceivedChunk[], from: number): void {
    receiveChunks(this.runtime, from, chunks);
    this.storage.commitTurn();
  }

  /** Reads and projects until nothing of the log up to `through` is left, or it cannot go on. */
  async follow(follower: Follower, through: number): Promise<Advance> {
    for (let before = -2; ; ) {
      const blockMax = readThrough(follower, through);
      if (blockMax !== null) await this.read(blockMax);
      const answer = advance(follower, through);
      this.storage.commitTurn();
      const isOver = answer.through === through || answer.through === before;
      if (answer.problem !== null || isOver) return answer;
      before = answer.through;
    }
  }

  /** As an alarm would, until there is nothing to do at once. */
  async followByTicks(follower: Follower, log: FollowedLog): Promise<Followed> {
    for (let isSecond = false; ; isSecond = true) {
      const io = { connect: () => this.#l1, sliceBlocks: TICK_BLOCKS };
      const step = await followOnce(follower, log, io);
      assert(step.ok, "L1 answers");
      this.storage.commitTurn();
      if (!step.value.isMoreDue && isSecond) return step.value;
    }
  }

  #newLane(): Lane {
    return new Lane(this.runtime, this.#memory, {
      mode: () => "serving",
      publish: (records) => this.published.push(...(records ?? [])),
      committee: null,
      counters: new Counters(this.runtime.now()),
    });
  }
}

/** The log as its writer holds it, from height 0 on. */
export type Written = ReceivedChunk & { readonly createdAtMs: number };

export function logOf(storage: SimStorage): readonly Written[] {
  return storage
    .read("SELECT header, events, created_at_ms FROM chunks ORDER BY height")
    .map((row, height) => ({
      header: bytesOf(row["header"]),
      events: bytesOf(row["events"]),
      createdAtMs: Number(row["created_at_ms"]),
      // Symbolic: a follower stores it, and whoever shows it a chunk has verified it.
      signature: { scheme: "p256", signature: new Uint8Array(64).fill(height) },
    }));
}

export function bytesOf(value: unknown): Uint8Array {
  assert(value instanceof Uint8Array, "a blob is bytes");
  return value;
}

/** What a node tells of the canonical chain, and nothing that only a writer asks. */
function honest(chain: Chain): L1 {
  const view = () => ({ head: chain.head, safe: chain.safe });
  const at = (number: number) => must(chain.blockAt(view(), number), "the chain has the block");
  const parts: Partial<L1> = {
    chainId: () => Promise.resolve(ok(CHAIN_ID)),
    discover: () => Promise.resolve(ok({ inputBox: INPUT_BOX, inputBoxBlock: INPUT_BOX_BLOCK })),
    block: (tag) =>
      Promise.resolve(
        ok(tag === "latest" ? chain.head : tag === "safe" ? chain.safe : at(Number(tag))),
      ),
    inputs: ({ from, to }) => {
      const blocks = Array.from({ length: to - from + 1 }, (_, i) => at(from + i));
      return Promise.resolve(ok({ inputs: blocks.flatMap(({ inputs }) => inputs), end: to }));
    },
    inputCount: (_box, _app, block) => Promise.resolve(ok(at(block).inputCount)),
  };
  return asPlatform<L1>(parts);
}
