/** Everything that a run consists of, put together from one seed's options. */

import { keccak_256 } from "@noble/hashes/sha3.js";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import { offset } from "../../src/core/types/units.ts";
import { recordsAfter } from "../../src/durable-objects/sequencer/storage/egress.ts";
import { Clock } from "./alarm.ts";
import type { Audit } from "./audit.ts";
import { Clients } from "./clients.ts";
import { Deposits } from "./deposits.ts";
import { Endpoint } from "./endpoint.ts";
import { Faults } from "./faults.ts";
import { Archive, Follower } from "./follower.ts";
import { L1World } from "./l1-world.ts";
import { Monitor } from "./monitor.ts";
import { SimObject } from "./object.ts";
import type { Options } from "./options.ts";
import { Random } from "./random.ts";
import type { Signing } from "./signing.ts";
import { SimStorage } from "./storage.ts";
import { Timeline } from "./timeline.ts";
import { Wire } from "./wire.ts";

/** A round moment, so that a trace's times are easy to read. */
const START_MS = 1_900_000_000_000;
const FOLLOWERS = 3;
/** More rows than a run has. */
const ALL = 2 ** 31;

export type World = ReturnType<typeof createWorld>;

export function createWorld(options: Options, signing: Signing, audit: Audit) {
  const { seed, config, urls } = options;
  const timeline = new Timeline();
  const storage = new SimStorage();
  const clock = new Clock(timeline, START_MS);
  const archive = new Archive();
  const monitor = new Monitor(storage, config.timing.dangerBlocks);
  const l1 = new L1World({ seed, startMs: START_MS, parameters: options.l1, timeline, audit });
  const endpoints = l1.pools.map((pool) => new Endpoint(l1, pool));
  const wire = new Wire({
    timeline,
    audit,
    signing,
    random: new Random(seed, "wire"),
    endpoints: new Map(endpoints.map((one, i) => [must(urls[i], "an endpoint has a URL"), one])),
  });
  const object = new SimObject({
    timeline,
    audit,
    storage,
    wire,
    clock,
    random: new Random(seed, "object"),
    submitter: signing.submitter,
    alarmGapMs: options.alarmGapMs,
    runtime: { config, application: walletApplication, keccak: keccak_256 },
    afterTurn: (life) => monitor.observe(life),
    published: (records) => {
      const known = archive.rollbacks.length;
      const told = records ?? recordsAfter(storage.view, offset(archive.head), ALL);
      if (told.some((record) => record.kind === "user_op")) monitor.assertMayPromise();
      audit.note(timeline.nowMs, `out ${told.map(describe).join(" ")}`);
      archive.add(told);
      for (const rollback of archive.rollbacks.slice(known)) {
        clients.voided(
          clients.acknowledged.filter(
            (one) => rollback.keepThrough < one.offset && one.offset < rollback.offset,
          ),
        );
      }
    },
  });
  const { answerLoss, resubmits } = options;
  const clients: Clients = new Clients({
    object,
    timeline,
    audit,
    random: new Random(seed, "clients"),
    options: { answerLoss, resubmits },
    head: () => archive.head,
  });
  const followers = Array.from(
    { length: FOLLOWERS },
    (_, i) => new Follower(object, new Random(seed, `follower ${i}`)),
  );
  const deposits = new Deposits(l1, timeline, new Random(seed, "deposits"), config.appConfig);
  deposits.start(5 * options.clientMs);
  const hands = { options, timeline, audit, storage, l1, endpoints, wire, object, clients, clock };
  const faults = new Faults(hands);
  if (options.batchSizeExponent > 0) setBatchSize(hands, options.batchSizeExponent);
  return { ...hands, archive, monitor, followers, faults };
}

/** The operator wants batches of another size, as soon as there is a table to write that into. */
function setBatchSize(
  { timeline, storage }: { readonly timeline: Timeline; readonly storage: SimStorage },
  exponent: number,
): void {
  timeline.after(10, () => {
    if (!storage.hasTable("batch_policy")) setBatchSize({ timeline, storage }, exponent);
    else
      storage.write(`UPDATE batch_policy SET log_base_gas = ${exponent} + log_alpha + log_delta`);
  });
}

function describe(record: FeedRecord): string {
  if (record.kind === "rollback") return `rollback@${record.offset} keeps ${record.keepThrough}`;
  return `${record.kind === "user_op" ? "op" : "direct"}@${record.offset}`;
}
