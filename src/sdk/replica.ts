/**
 * The sequencer's state, here: a snapshot or genesis, and every valid record executed on it (F2, F3).
 *
 * A rollback is not undone record by record. The state goes back to a checkpoint that the rollback keeps,
 * and the feed is read again from there: a replay leaves out void records and sends every rollback, so
 * whatever else was rolled back meanwhile, what is executed is the valid order and nothing but it. The
 * state that is shown stays the old one until the new one has come to the rollback itself.
 *
 * Execution goes through the sequencer's own door (`execute.ts`), with the mounted application.
 */

import type { Application, ApplicationState } from "../core/application/application.ts";
import { executeDirectInput, executeUserOp } from "../core/application/execute.ts";
import type {
  DirectInputRecord,
  FeedRecord,
  RollbackRecord,
  UserOpRecord,
} from "../core/feed/record.ts";
import { badAnswer, deploymentOf } from "./bodies.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { FeedSlice, Replica, ReplicaEvent, ReplicaOptions } from "./client-types.ts";
import { BatonError } from "./errors.ts";
import { sliceOf, slicePath } from "./feed-slice.ts";
import { follow } from "./follow.ts";
import type { Http } from "./http.ts";
import { type Start, StartSource } from "./replica-start.ts";

const CHECKPOINT_RECORDS = 1_000;

/** Resolves when the replica has everything that the sequencer had at the call. */
export async function startReplica<Config>(
  http: Http,
  application: Application<Config>,
  token: string | undefined,
  options: ReplicaOptions,
): Promise<Replica> {
  const { signal } = options;
  // The era before the state: that of another era is then refused with the first page of the feed (F5).
  const deployment = deploymentOf(await http.json("/deployment", { signal }));
  const { era, application_config: description } = deployment;
  const isMounted = deployment.application === application.name;
  const config = isMounted ? application.parseDescription(description) : null;
  if (config === null) throw badAnswer(`a deployment of ${application.name}`);
  const source = new StartSource(http, application, config, token);
  const start = await source.load(signal);
  const path = slicePath({ fromOffset: start.offset, limit: 1, era });
  const { head } = sliceOf(await http.json(path, { signal }), start.offset);
  const replica = new RunningReplica(http, source, era, start, options);
  void replica.run(start);
  await replica.reached(head);
  return replica;
}

/** A state to execute on. */
type Working = {
  readonly state: ApplicationState;
  /** Where the feed is followed from. */
  readonly from: number;
  /** Rollbacks up to this one do not concern what the state began with. */
  readonly survived: number;
  /** Null but for a checkpoint: the page behind it that shows that it is valid. */
  readonly first: FeedSlice | null;
  /** The last record that was executed on it here; 0 before the first. */
  executed: number;
  /** Records executed since the last checkpoint. */
  sinceCheckpoint: number;
};

type Waiting = PromiseWithResolvers<void> & { readonly offset: number };
type StateSource = Pick<StartSource, "load" | "restore">;

class RunningReplica implements Replica {
  readonly era: string;
  readonly ended: Promise<never>;
  readonly #end: (reason: unknown) => void;
  readonly #http: Http;
  readonly #source: StateSource;
  readonly #options: ReplicaOptions;
  readonly #checkpoints = new Checkpoints();
  #shown: Start;
  #waiting: readonly Waiting[] = [];
  #failure: { readonly reason: unknown } | null = null;
  #newestRollback = 0;

  constructor(http: Http, source: StateSource, era: string, start: Start, options: ReplicaOptions) {
    this.era = era;
    this.#http = http;
    this.#source = source;
    this.#options = options;
    this.#shown = start;
    const { promise, reject } = Promise.withResolvers<never>();
    this.ended = promise;
    this.#end = reject;
    // Whoever looks gets the reason; nobody has to look.
    promise.catch(() => undefined);
  }

  get state(): ApplicationState {
    return this.#shown.state;
  }

  get offset(): number {
    return this.#shown.offset;
  }

  reached(offset: number): Promise<void> {
    if (this.#failure !== null) return this.ended;
    if (this.offset >= offset) return Promise.resolve();
    const waiting = { ...Promise.withResolvers<void>(), offset };
    this.#waiting = [...this.#waiting, waiting];
    return waiting.promise;
  }

  /** Until it fails, which `ended` tells. */
  async run(start: Start): Promise<void> {
    try {
      let working = this.#begin(start);
      for (;;) working = await this.#follow(working);
    } catch (reason) {
      this.#failure = { reason };
      this.#end(reason);
      for (const waiting of this.#waiting) waiting.reject(reason);
      this.#waiting = [];
    }
  }

  /** Executes the feed until there is a rollback that the state does not survive; answers another state. */
  async #follow(working: Working): Promise<Working> {
    const { signal } = this.#options;
    try {
      const at = {
        fromOffset: working.from,
        era: this.era,
        ...(signal === undefined ? {} : { signal }),
      };
      for await (const event of follow(this.#http, at, working.first)) {
        if (event.kind === "certificate") continue;
        if (event.kind !== "rollback") this.#execute(working, event);
        else if (!survives(working, event)) return await this.#goBack(event);
        this.#show(working.state, event);
      }
      return working;
    } catch (error) {
      // The feed does not go back so far: then the source may know better, unless that is where this is from.
      const isOfSource = working.first === null && working.executed === 0;
      if (isOfSource || !isHistoryGone(error)) throw error;
      return this.#reload();
    }
  }

  #execute(working: Working, record: UserOpRecord | DirectInputRecord): void {
    if (record.kind === "user_op") executeUserOp(working.state, record, record.safeBlock);
    else executeDirectInput(working.state, record);
    working.executed = record.offset;
    working.sinceCheckpoint += 1;
    const { checkpointRecords = CHECKPOINT_RECORDS } = this.#options;
    if (working.sinceCheckpoint < checkpointRecords) return;
    working.sinceCheckpoint = 0;
    this.#checkpoints.add({ offset: record.offset, bytes: working.state.snapshot() });
  }

  /**
   * To the newest checkpoint that is valid now. Later rollbacks may void it that were not told of yet: in a
   * replay those stand before the first record, since all that would stand between them is void.
   */
  async #goBack(rollback: RollbackRecord): Promise<Working> {
    this.#newestRollback = rollback.offset;
    this.#checkpoints.keepThrough(rollback.keepThrough);
    for (let kept = this.#checkpoints.newest; kept !== null; kept = this.#checkpoints.newest) {
      const first = await this.#pageAfter(kept.offset);
      if (first === null) break;
      const keepThrough = keptByAll(first.records);
      if (kept.offset <= keepThrough) {
        return { ...fresh(this.#source.restore(kept.bytes), kept.offset), first };
      }
      this.#checkpoints.keepThrough(keepThrough);
    }
    return await this.#reload();
  }

  /** Null: the feed does not go back so far any more. */
  async #pageAfter(fromOffset: number): Promise<FeedSlice | null> {
    const { signal } = this.#options;
    const path = slicePath({ fromOffset, era: this.era });
    try {
      return sliceOf(await this.#http.json(path, { signal }), fromOffset);
    } catch (error) {
      if (isHistoryGone(error)) return null;
      throw error;
    }
  }

  /** What the sequencer gives now has survived every rollback that it told of before. */
  async #reload(): Promise<Working> {
    this.#checkpoints.clear();
    const start = await this.#source.load(this.#options.signal);
    return { ...this.#begin(start), survived: this.#newestRollback };
  }

  #begin({ state, offset }: Start): Working {
    this.#checkpoints.add({ offset, bytes: state.snapshot() });
    const isAhead = offset > this.#shown.offset || (offset > 0 && state === this.#shown.state);
    if (isAhead) this.#tell(state, { kind: "restored", offset });
    return fresh(state, offset);
  }

  /** What was shown before, and is executed again for a rollback's sake, is not shown again. */
  #show(state: ApplicationState, event: ReplicaEvent): void {
    if (event.offset > this.#shown.offset) this.#tell(state, event);
  }

  #tell(state: ApplicationState, event: ReplicaEvent): void {
    this.#shown = { state, offset: event.offset };
    this.#options.onEvent?.(event, state);
    const isReached = ({ offset }: Waiting): boolean => offset <= event.offset;
    for (const waiting of this.#waiting.filter(isReached)) waiting.resolve();
    this.#waiting = this.#waiting.filter((waiting) => !isReached(waiting));
  }
}

function fresh(state: ApplicationState, from: number): Working {
  return { state, from, survived: 0, first: null, executed: 0, sinceCheckpoint: 0 };
}

/** Whether the rollback voids nothing that the state has. */
function survives({ executed, from, survived }: Working, rollback: RollbackRecord): boolean {
  const began = rollback.offset <= survived ? 0 : from;
  return Math.max(executed, began) <= rollback.keepThrough;
}

/** What the rollbacks before the first record keep, all of them. */
function keptByAll(records: readonly FeedRecord[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const record of records) {
    if (record.kind !== "rollback") break;
    least = Math.min(least, record.keepThrough);
  }
  return least;
}

function isHistoryGone(error: unknown): boolean {
  return error instanceof BatonError && error.code === "HISTORY_UNAVAILABLE";
}
