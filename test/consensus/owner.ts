/** A candidate whose log somebody else writes: signed and durable before the candidate hears of it. */

import { Candidate } from "../../src/consensus/candidate.ts";
import { CONDUCTOR_RULES, type ConductorRules } from "../../src/consensus/conductor-types.ts";
import { MemoryCommitLog } from "../../src/consensus/council.ts";
import { MemoryRecordStore, recordChainManager } from "../../src/consensus/epoch-manager.ts";
import { Metrics } from "../../src/consensus/metrics.ts";
import {
  checkLinkage,
  type Entry,
  encodeEntry,
  entryRoot,
  openingEntry,
} from "../../src/consensus/payload.ts";
import { type LogEntry, logEntry, MemoryPayloadStore } from "../../src/consensus/payload-store.ts";
import { chunkPreimage } from "../../src/core/chunk/header.ts";
import type { KnownRecord } from "../../src/core/consensus/epoch-record.ts";
import { EMPTY_LINE, firstOffsetAfter } from "../../src/core/consensus/line.ts";
import { offset } from "../../src/core/types/units.ts";
import { blockType } from "./block.ts";
import { testSigner } from "./test-scheme.ts";
import type { World } from "./world.ts";

export type OwnerDisk = {
  readonly log: MemoryPayloadStore;
  readonly records: MemoryRecordStore;
};

export function ownerDisk(world: World): OwnerDisk {
  const { signed } = world.ground.genesis;
  return { log: new MemoryPayloadStore(EMPTY_LINE), records: new MemoryRecordStore(signed) };
}

export class Owner {
  readonly #name: string;
  readonly #log: MemoryPayloadStore;
  readonly candidate: Candidate;
  /** What the candidate told, in order. */
  readonly heard: string[] = [];
  readonly opened: number[] = [];
  /** Whether an epoch is opened when it may be; otherwise `openNow` does. */
  opensAtOnce = true;
  retained: number = Number.POSITIVE_INFINITY;

  private constructor(
    world: World,
    name: string,
    disk: OwnerDisk,
    manager: Awaited<ReturnType<typeof recordChainManager>>,
    rules: ConductorRules,
  ) {
    this.#name = name;
    this.#log = disk.log;
    const { timeline, network, random, judge } = world.ground;
    const clock = {
      nowMs: () => timeline.nowMs,
      at: (atMs: number, run: () => void) => timeline.at(atMs, run),
    };
    const transport = network.endpoint(name);
    this.candidate = new Candidate(
      {
        ...{
          manager,
          store: disk.log,
          log: new MemoryCommitLog(),
          signer: testSigner(name),
          rules,
        },
        ...{ metrics: new Metrics(), placeOf: () => null, checkPayload: checkLinkage },
        open: (known) => this.#open(known),
        retain: () => this.retained,
      },
      { clock, random: () => random.unit(), transport, judge },
      {
        certified: ({ chunk }) => this.heard.push(`certified ${chunk.height}`),
        serving: () => this.heard.push("serving"),
        ended: () => this.heard.push("ended"),
        failed: (error) => this.heard.push(String(error)),
        records: () => this.heard.push("records"),
      },
    );
  }

  /** In the place of the world's own candidate of this name. Not started. */
  static async create(
    world: World,
    name: string,
    disk: OwnerDisk,
    rules: ConductorRules = CONDUCTOR_RULES,
  ): Promise<Owner> {
    world.candidates.find((one) => one.name === name)?.crash();
    const { genesis, judge } = world.ground;
    const manager = await recordChainManager({
      ...{ judge, store: disk.records, genesis: genesis.known.hash },
    });
    return new Owner(world, name, disk, manager, rules);
  }

  /** Durable and signed; `announce` is what follows. */
  async write(known: KnownRecord, count: number): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = [];
    for (let i = 0; i < count; i++) {
      const bytes = blockType.encode({ height: i, parent: null, text: "of an owner" });
      entries.push(await this.#append(known, { is: "payload", bytes }));
    }
    return entries;
  }

  async openNow(known: KnownRecord): Promise<void> {
    const { epoch, start } = known.record;
    this.candidate.announce([await this.#append(known, openingEntry(epoch, start))]);
  }

  async #open(known: KnownRecord): Promise<void> {
    this.opened.push(known.record.epoch);
    if (this.opensAtOnce) await this.openNow(known);
  }

  async #append({ record }: KnownRecord, entry: Entry): Promise<LogEntry> {
    const { newest } = await this.#log.ends();
    const bytes = encodeEntry(entry);
    const first = firstOffsetAfter(newest, record.epoch);
    const { chainId, app, era, epoch } = record;
    const header = {
      ...{ chainId, app, era, epoch, height: newest.height + 1, parent: newest.hash },
      ...{ root: entryRoot(bytes), eventCount: 1 },
      ...{ firstOffset: first, nextOffset: offset(first + 1) },
    };
    const { sign, scheme } = testSigner(this.#name);
    const signature = await sign(chunkPreimage(header));
    const written = logEntry({ header, scheme, signature }, bytes, null);
    await this.#log.append(written);
    return written;
  }
}
