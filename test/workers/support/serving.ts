/** A whole object that serves ops over a real L1, its alarm driven by the test as well as by itself. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { type Chain, startChain } from "./chain.ts";
import { user } from "./history.ts";
import { freshObject } from "./rig.ts";

export type Serving = {
  readonly object: ReturnType<typeof freshObject>;
  readonly chain: Chain;
  readonly sql: <T>(work: (sql: SqlStorage) => T) => Promise<T>;
  /** Evicts the object and wakes it up until it serves; sockets hibernate. */
  wake(vars?: Readonly<Record<string, string>>): Promise<void>;
  /** Ticks until `isDone`; fails the test when that takes more than twenty seconds. */
  tickUntil(isDone: () => boolean | Promise<boolean>): Promise<void>;
};

/** Users 0 to 3 own enough for many ops: offsets 1 to 4 are their deposits. */
export async function serve(vars: Readonly<Record<string, string>> = {}): Promise<Serving> {
  // A timeout that nobody needs any more keeps an object busy, and eviction waits for it.
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  const chain = await startChain();
  for (let i = 0; i < 4; i++) await chain.deposit(user(i), 10n ** 15n);
  await chain.mine(2);
  const object = freshObject();
  const isServing = async () => (await object.health()).mode === "serving";
  const serving: Serving = {
    object,
    chain,
    sql: (work) => runInDurableObject(object, (_object, state) => work(state.storage.sql)),
    wake: async (other) => {
      // An alarm that is due would wake the object before its environment is there.
      await runInDurableObject(object, (_object, state) => state.storage.deleteAlarm());
      await evictDurableObject(object);
      await configure({ ...chain.vars, ...vars, ...other }, () => object.health());
      await serving.tickUntil(isServing);
    },
    tickUntil: (isDone) => tickUntil(object, isDone),
  };
  await configure({ ...chain.vars, ...vars }, () => object.health());
  await serving.tickUntil(isServing);
  return serving;
}

/** An object reads the environment when it wakes; others of this file must not find it. */
export async function configure(
  vars: Readonly<Record<string, string>>,
  wake: () => Promise<unknown>,
): Promise<void> {
  Object.assign(env, vars);
  await wake();
  for (const name of Object.keys(vars)) Reflect.deleteProperty(env, name);
}

export async function tickUntil(
  object: Serving["object"],
  isDone: () => boolean | Promise<boolean>,
): Promise<void> {
  const startedAtMs = Date.now();
  while (!(await isDone())) {
    await runDurableObjectAlarm(object);
    expect(Date.now() - startedAtMs).toBeLessThan(20_000);
  }
}
