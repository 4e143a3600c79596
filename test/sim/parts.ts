/**
 * The sequencer object's own parts, put together as `sequencer.ts` does it, over a world that is given.
 *
 * The class itself stays out: it extends a class of the platform, and does nothing but route.
 */

import { basename } from "node:path";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { Counters } from "../../src/durable-objects/sequencer/counters.ts";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { Feed } from "../../src/durable-objects/sequencer/feed.ts";
import { Lane } from "../../src/durable-objects/sequencer/lane.ts";
import { MemoryStore } from "../../src/durable-objects/sequencer/memory.ts";
import { Recovery } from "../../src/durable-objects/sequencer/recover.ts";
import type { Runtime } from "../../src/durable-objects/sequencer/runtime.ts";
import { Snapshots } from "../../src/durable-objects/sequencer/serve-snapshots.ts";
import { Service } from "../../src/durable-objects/sequencer/service.ts";
import { SubmitterBalance } from "../../src/durable-objects/sequencer/submitter-balance.ts";
import { type Migration, migrate } from "../../src/durable-objects/shared/migrate.ts";
import type { Submitter } from "../../src/l1/l1.ts";
import { filesUnder, textOf } from "../support/tree.ts";
import { asPlatform } from "./storage.ts";

export type ObjectParts = {
  readonly runtime: Runtime;
  readonly memory: MemoryStore;
  readonly service: Service;
  readonly lane: Lane;
  readonly feed: Feed;
  readonly snapshots: Snapshots;
  readonly duties: Duties;
  readonly counters: Counters;
};

/** The object's constructor. `publish` is told what the lane tells the feed. */
export function wake(
  runtime: Runtime,
  submitter: Submitter,
  publish: (records: readonly FeedRecord[] | null) => void,
): ObjectParts {
  migrate(runtime.storage, MIGRATIONS);
  const memory = new MemoryStore(runtime);
  const recovery = new Recovery(runtime);
  const service = new Service(runtime, memory, recovery);
  const feed = new Feed(runtime, asPlatform<DurableObjectState>({ getWebSockets: () => [] }));
  const counters = new Counters(runtime.now());
  const lane = new Lane(runtime, memory, {
    committee: null,
    counters,
    mode: () => service.mode(),
    publish: (records) => {
      feed.publish(records);
      publish(records);
    },
  });
  const snapshots = new Snapshots(runtime);
  const balance = new SubmitterBalance(runtime.now);
  const parts = { runtime, recovery, service, lane, feed, snapshots, submitter };
  const duties = new Duties({ ...parts, counters, balance });
  return { runtime, memory, service, lane, feed, snapshots, duties, counters };
}

/** As the object applies them. */
export const MIGRATIONS: readonly Migration[] = filesUnder("migrations/sequencer").map((file) => ({
  name: basename(file, ".sql"),
  sql: textOf(file),
}));
