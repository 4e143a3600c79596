/**
 * The sequencer object's own parts, put together as `sequencer.ts` does it, over a world that is given.
 *
 * The class itself stays out: it extends a class of the platform, and does nothing but route.
 */

import { basename } from "node:path";
import type { Rejection } from "../../src/core/api/rejection.ts";
import { unavailable } from "../../src/core/api/rejection.ts";
import type { SignedUserOp, SoftConfirmation } from "../../src/core/api/sequencer-api.ts";
import type { FeedRecord } from "../../src/core/feed/record.ts";
import { err, type Result } from "../../src/core/types/result.ts";
import { Duties } from "../../src/durable-objects/sequencer/duties.ts";
import { Feed } from "../../src/durable-objects/sequencer/feed.ts";
import { Lane } from "../../src/durable-objects/sequencer/lane.ts";
import { MemoryStore } from "../../src/durable-objects/sequencer/memory.ts";
import { Recovery } from "../../src/durable-objects/sequencer/recover.ts";
import type { Runtime } from "../../src/durable-objects/sequencer/runtime.ts";
import { Snapshots } from "../../src/durable-objects/sequencer/serve-snapshots.ts";
import { Service } from "../../src/durable-objects/sequencer/service.ts";
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
  const lane = new Lane(runtime, memory, {
    committee: null,
    mode: () => service.mode(),
    publish: (records) => {
      feed.publish(records);
      publish(records);
    },
  });
  const snapshots = new Snapshots(runtime);
  const duties = new Duties({ runtime, recovery, service, lane, feed, snapshots, submitter });
  return { runtime, memory, service, lane, feed, snapshots, duties };
}

/** What the object's `submit` does. */
export function submit(
  { service, lane }: ObjectParts,
  op: SignedUserOp,
): Promise<Result<SoftConfirmation, Rejection>> {
  const mode = service.mode();
  return mode === "serving" ? lane.submit(op) : Promise.resolve(err(unavailable(mode)));
}

/** As the object applies them. */
export const MIGRATIONS: readonly Migration[] = filesUnder("migrations/sequencer").map((file) => ({
  name: basename(file, ".sql"),
  sql: textOf(file),
}));
