/**
 * One Durable Object and the platform around it: lives, turns, alarm, heartbeat, resets.
 *
 * Everything in memory belongs to a life and dies with it, in the middle of whatever it waited for;
 * SQLite and the alarm stay. A turn is durable before anything leaves it, or is given up whole.
 */

import type { FeedRecord } from "../../src/core/feed/record.ts";
import { unixMs } from "../../src/core/types/units.ts";
import type { Runtime } from "../../src/durable-objects/sequencer/runtime.ts";
import type { Submitter } from "../../src/l1/l1.ts";
import { Alarm, type Clock } from "./alarm.ts";
import type { Audit } from "./audit.ts";
import { type ObjectParts, wake } from "./parts.ts";
import type { Random } from "./random.ts";
import { type SimStorage, StorageFailure } from "./storage.ts";
import { settled, type Timeline } from "./timeline.ts";
import type { Life, Wire } from "./wire.ts";

export const HEARTBEAT_MS = 60_000;

/** At which kind of turn an armed reset strikes. */
export type Target = "any" | "write" | "send" | "rollback";
export type Reset = { readonly target: Target; readonly losesTurn: boolean };

export type ObjectWorld = {
  readonly timeline: Timeline;
  readonly audit: Audit;
  readonly storage: SimStorage;
  readonly wire: Wire;
  readonly random: Random;
  readonly submitter: Submitter;
  readonly clock: Clock;
  /** The least time between two alarms: a coarse platform, and a fast simulation. */
  readonly alarmGapMs: number;
  readonly runtime: Pick<Runtime, "config" | "application" | "keccak">;
  /** Told what became durable; null when that is too much to be held (F1). */
  readonly published: (records: readonly FeedRecord[] | null) => void;
  /** Told after each turn, before the next. */
  readonly afterTurn: (life: number) => void;
};

type LifeState = {
  readonly id: number;
  readonly life: Life;
  readonly parts: ObjectParts;
  readonly cancels: Set<() => void>;
  /** Callers that wait for an answer of this life. */
  readonly waiting: Set<() => void>;
  isAlarmRunning: boolean;
};

export class SimObject {
  readonly #world: ObjectWorld;
  readonly alarm: Alarm;
  #life: LifeState | null = null;
  #lives = 0;
  #outbox: (() => void)[] = [];
  #armed: Reset | null = null;
  /** So many heartbeats do not come. */
  losesHeartbeats = 0;
  /** The platform runs nothing: no call, no alarm, no heartbeat reaches the object. */
  isDown = false;
  resets = 0;
  /** What broke, if something did that must not. */
  fault: Error | null = null;

  constructor(world: ObjectWorld) {
    this.#world = world;
    this.alarm = new Alarm({
      ...world,
      isRunning: () => this.#life?.isAlarmRunning === true,
      run: (repeats) => this.#runAlarm(repeats),
    });
    world.timeline.after(1, () => this.#heartbeat());
  }

  /** The running parts, if the object is awake: for checks between turns. */
  get parts(): ObjectParts | null {
    return this.#life?.parts ?? null;
  }

  /** A call from outside. `answer` is called once: with the value, or with null when the life ended. */
  async request<T>(
    name: string,
    ask: (parts: ObjectParts) => T | Promise<T>,
    answer: (value: T | null) => void,
  ): Promise<void> {
    const lost = () => answer(null);
    const isAsked = await this.#turn(name, null, (state) => {
      state.waiting.add(lost);
      const reply = (value: T | null) =>
        this.#outbox.push(() => {
          if (state.waiting.delete(lost)) answer(value);
        });
      void asked(() => ask(state.parts)).then(reply, (error: unknown) => {
        // The object answers 500 to that, and to a bug, which is not to go unnoticed here.
        if (error instanceof StorageFailure) reply(null);
        else this.#break(error);
      });
    });
    if (!isAsked) lost();
  }

  /** The next turn of the target's kind is the last of this life. */
  arm(reset: Reset): void {
    this.#armed = reset;
  }

  disarm(): void {
    this.#armed = null;
  }

  /** False when the life is over, or when the object could not be woken. */
  async #turn(
    name: string,
    only: LifeState | null,
    work: (state: LifeState) => void,
  ): Promise<boolean> {
    if (only !== null && only !== this.#life) return false;
    if (this.isDown) {
      this.#die();
      return false;
    }
    const { storage, timeline, audit } = this.#world;
    audit.note(timeline.nowMs, name);
    this.#outbox = [];
    const changesBefore = storage.changes;
    const generationBefore = this.#generation();
    const state = this.#awake();
    if (state === null) return false;
    work(state);
    await settled();
    const sends = this.#outbox;
    const kind = {
      any: true,
      write: storage.changes > changesBefore,
      send: sends.length > 0,
      rollback: this.#generation() !== generationBefore,
    };
    const reset = this.#armed !== null && kind[this.#armed.target] ? this.#armed : null;
    if (reset?.losesTurn === true) storage.abandonTurn();
    else {
      storage.commitTurn();
      for (const send of sends) send();
      this.#world.afterTurn(state.id);
    }
    if (reset !== null) this.#end(state, reset);
    this.alarm.schedule();
    return true;
  }

  /** The life that goes on, or a new one; null when its constructor fails, and nothing happened. */
  #awake(): LifeState | null {
    try {
      this.#life ??= this.#newLife();
      return this.#life;
    } catch (error) {
      this.#world.audit.note(this.#world.timeline.nowMs, `not woken: ${String(error)}`);
      this.#world.storage.abandonTurn();
      return null;
    }
  }

  #newLife(): LifeState {
    const cancels = new Set<() => void>();
    this.#lives += 1;
    const { timeline, audit, wire } = this.#world;
    audit.note(timeline.nowMs, `life ${this.#lives}`);
    const life: Life = {
      send: (effect) => this.#outbox.push(effect),
      turn: async (name, work) => {
        await this.#turn(name, state, work);
      },
    };
    const runtime: Runtime = {
      ...this.#world.runtime,
      storage: this.#world.storage.platform,
      sql: this.#world.storage.sql,
      now: () => unixMs(this.#world.clock.nowMs()),
      random: () => this.#world.random.unit(),
      randomBytes: (count) => new Uint8Array(count).map(() => this.#world.random.below(256)),
      later: (run, delayMs) => {
        const cancel = timeline.after(delayMs, () => life.turn("timer", run));
        cancels.add(cancel);
        return cancel;
      },
      connect: (options) => wire.connect(life, options),
    };
    const parts = wake(runtime, this.#world.submitter, (records) => {
      this.#outbox.push(() => this.#world.published(records));
    });
    const state: LifeState = {
      id: this.#lives,
      life,
      parts,
      cancels,
      waiting: new Set(),
      isAlarmRunning: false,
    };
    this.#watch(parts.duties.ensureAlarm());
    return state;
  }

  #end(state: LifeState, reset: Reset): void {
    const { timeline, audit } = this.#world;
    audit.note(timeline.nowMs, `reset at ${reset.target}${reset.losesTurn ? ", turn lost" : ""}`);
    this.#armed = null;
    this.#die();
    if (state.isAlarmRunning) this.alarm.retry();
  }

  /** Memory is gone, with timers, calls in flight, and whoever waits for an answer. */
  #die(): void {
    const state = this.#life;
    if (state === null) return;
    this.resets += 1;
    this.#life = null;
    for (const cancel of state.cancels) cancel();
    for (const lost of state.waiting) this.#world.timeline.after(1, lost);
  }

  /** Undefined before genesis. */
  #generation(): unknown {
    const { storage } = this.#world;
    if (!storage.hasTable("history")) return undefined;
    return storage.read("SELECT generation FROM history")[0]?.["generation"];
  }

  async #runAlarm(repeats: boolean): Promise<void> {
    const isRun = await this.#turn("alarm", null, (state) => {
      this.#world.storage.takeAlarm();
      state.isAlarmRunning = true;
      this.#watch(
        state.parts.duties.tick().then(() => {
          state.isAlarmRunning = false;
        }),
      );
      if (repeats) this.#watch(state.parts.duties.tick());
    });
    if (!isRun) this.alarm.retry();
  }

  async #heartbeat(): Promise<void> {
    this.#world.timeline.after(HEARTBEAT_MS, () => this.#heartbeat());
    if (this.losesHeartbeats > 0) {
      this.losesHeartbeats -= 1;
      return;
    }
    await this.#turn("heartbeat", null, ({ parts }) => {
      parts.service.derive();
      this.#watch(parts.duties.ensureAlarm());
    });
  }

  /** L4: what the platform calls never throws. */
  #watch(promise: Promise<unknown>): void {
    void promise.catch((error: unknown) => this.#break(error));
  }

  #break(error: unknown): void {
    this.fault ??= error instanceof Error ? error : new Error(String(error));
  }
}

/** A throw as a rejection. */
async function asked<T>(ask: () => T | Promise<T>): Promise<T> {
  return await ask();
}
