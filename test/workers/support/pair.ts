/** Two candidates and four validators: objects of one deployment, on a real L1. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, onTestFinished, vi } from "vitest";
import type { ConductorCommand } from "../../../src/core/api/conductor-rpc.ts";
import type { SignedUserOp, SoftConfirmation } from "../../../src/core/api/sequencer-api.ts";
import type { Receipt } from "../../../src/core/consensus/receipt.ts";
import type { ReceiptText } from "../../../src/core/consensus/receipt-json.ts";
import type { Address } from "../../../src/core/types/hex.ts";
import {
  type Conduct,
  loadConduct,
  saveConduct,
} from "../../../src/durable-objects/sequencer/storage/committee.ts";
import { verifyReceipt } from "../../../src/sdk/verify-receipt.ts";
import { type Chain, startChain } from "./chain.ts";
import { type Sequencer, textOfReceipt } from "./committee.ts";
import { user } from "./history.ts";
import { configure } from "./serving.ts";

/** Which of the two: the first leads epoch 0. */
export type Which = 0 | 1;

export type Pair = {
  readonly chain: Chain;
  readonly vars: Readonly<Record<string, string>>;
  readonly ids: readonly [string, string];
  /** A new stub each time: one that saw its object die fails for ever. */
  of(which: Which): Sequencer;
  sql<T>(which: Which, work: (sql: SqlStorage) => T): Promise<T>;
  /** Ticks both until `isDone`; fails the test when that takes more than twenty seconds. */
  tickUntil(isDone: () => boolean | Promise<boolean>): Promise<void>;
  serves(which: Which): Promise<boolean>;
  /** Begins a transfer, and waits until that one serves. */
  transfer(to: Which): Promise<void>;
  conduct(which: Which, command: ConductorCommand): Promise<void>;
  /** It hears nothing and says nothing from now on. */
  crash(which: Which): Promise<void>;
  /** It comes back with what it had stored. */
  revive(which: Which): Promise<void>;
  silence(...validators: readonly number[]): Promise<void>;
  /** Its slow alarm: it fetches states, and lets go of what there is no room for. */
  pulse(): Promise<void>;
  validatorSql<T>(validator: number, work: (sql: SqlStorage) => T): Promise<T>;
  wake(...validators: readonly number[]): Promise<void>;
  /** Whatever the committee's records say of it. */
  verify(receipt: Receipt | ReceiptText | null | undefined): ReturnType<typeof verifyReceipt>;
};

let names = 0;

/** The first serves, with users 0 to 3; the second follows. */
export async function servePair(
  vars: Readonly<Record<string, string>> = {},
  accounts: readonly Address[] = [],
): Promise<Pair> {
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  const chain = await startChain();
  for (const account of [user(0), user(1), user(2), user(3), ...accounts]) {
    await chain.deposit(account, 10n ** 15n);
  }
  await chain.mine(2);
  names += 1;
  const pair = pairOn(chain, `${names}`, vars);
  // A committee that goes on talking would be cut off in the midst of a word when its file ends.
  onTestFinished(async () => {
    for (const which of [0, 1] as const) await pair.crash(which);
    await pair.silence(0, 1, 2, 3);
  });
  await pair.wake(0, 1, 2, 3);
  await pair.revive(1);
  await pair.revive(0);
  await pair.tickUntil(async () => (await pair.of(0).deployment()).ok);
  const founded = await pair.of(0).found({ quorum: null, scheme: null, tokens: {} });
  expect(founded).toMatchObject({ ok: true });
  await pair.tickUntil(() => pair.serves(0));
  return pair;
}

function pairOn(chain: Chain, name: string, vars: Readonly<Record<string, string>>): Pair {
  const ids = [`p${name}a`, `p${name}b`] as const;
  const members = ["a", "b", "c", "d"].map((letter) => `w${name}${letter}`);
  const all = {
    ...chain.vars,
    SEQ_CANDIDATES: ids.map((id) => `${id}=object:sequencer/${id}`).join(),
    SEQ_VALIDATORS: members.map((one) => `object:validator/${one}`).join(),
    SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}`,
    ...vars,
  };
  const app = chain.rollups.app.toLowerCase();
  const of = (which: Which) => env.SEQUENCER.getByName(`${app}:${ids[which]}`);
  const validator = (i: number) => env.VALIDATOR.getByName(`${app}:${members[i] ?? ""}`);
  const serves = async (which: Which) => (await of(which).health()).mode === "serving";
  /** What each of the dead was ordered before. */
  const crashed = new Map<Which, Conduct>();
  const pair: Pair = {
    ...{ chain, vars: all, ids, of, serves },
    sql: (which, work) =>
      runInDurableObject(of(which), (_object, state) => work(state.storage.sql)),
    tickUntil: async (isDone) => {
      const startedAtMs = Date.now();
      while (!(await isDone())) {
        await Promise.all(([0, 1] as const).map((which) => runDurableObjectAlarm(of(which))));
        if (Date.now() - startedAtMs < 20_000) continue;
        const [a, b] = [await of(0).health(), await of(1).health()];
        expect.fail(JSON.stringify([a, b]));
      }
    },
    transfer: async (to) => {
      const server = { id: ids[to], addr: `object:sequencer/${ids[to]}` };
      await pair.conduct(to === 0 ? 1 : 0, { do: "transfer", to: server });
      await pair.tickUntil(() => serves(to));
    },
    conduct: async (which, command) => {
      expect(await of(which).conductorCommand(command)).toEqual({ ok: true, value: null });
    },
    crash: async (which) => {
      // Called while another one wakes up with its environment, it would wake up as well: it must have
      // nothing to say then.
      const before = await pair.sql(which, (sql) => {
        const conduct = loadConduct(sql);
        saveConduct(sql, "stopped");
        return conduct;
      });
      if (!crashed.has(which)) crashed.set(which, before);
      await kill(() => of(which));
    },
    revive: async (which) => {
      const conduct = crashed.get(which);
      if (conduct !== undefined) await pair.sql(which, (sql) => saveConduct(sql, conduct));
      crashed.delete(which);
      await kill(() => of(which));
      await configure(all, () => of(which).health());
    },
    pulse: async () => {
      await Promise.all([0, 1, 2, 3].map((i) => runDurableObjectAlarm(validator(i))));
    },
    validatorSql: (i, work) =>
      runInDurableObject(validator(i), (_object, state) => work(state.storage.sql)),
    silence: async (...which) => {
      for (const i of which) await kill(() => validator(i));
    },
    wake: async (...which) => {
      for (const i of which) await kill(() => validator(i));
      await configure(all, () => Promise.all(which.map((i) => validator(i).keyCard())));
    },
    verify: async (receipt) => {
      const answers = [await of(0).epochs(-1), await of(1).epochs(-1)];
      const known = answers.flatMap((one) => (one.ok ? [one.value] : []));
      const [epochs] = known.toSorted((a, b) => b.records.length - a.records.length);
      if (epochs === undefined || receipt == null) return expect.unreachable("a receipt");
      const { genesis, records } = epochs;
      return await verifyReceipt(textOfReceipt(receipt), { genesis: genesis ?? "", records });
    },
  };
  return pair;
}

/** The confirmation, or the test fails. */
export async function submit(
  pair: Pair,
  which: Which,
  op: SignedUserOp,
  waits = false,
): Promise<SoftConfirmation> {
  const answer = await pair.of(which).submit(op, waits);
  return answer.ok ? answer.value : expect.fail(answer.error.message);
}

/** The heights of both logs are the same, and all is certified. */
export async function areLevel(pair: Pair): Promise<boolean> {
  const heights = await Promise.all(
    ([0, 1] as const).map((which) =>
      pair.sql(which, (sql) =>
        sql
          .exec<{ newest: number | null; certified: number | null }>(
            `SELECT (SELECT MAX(height) FROM chunks) AS newest,
               (SELECT MAX(height) FROM certificates) AS certified`,
          )
          .one(),
      ),
    ),
  );
  const [a, b] = heights;
  return a?.newest != null && a.newest === b?.newest && a.certified === b.certified;
}

async function kill(
  object: () =>
    | ReturnType<typeof env.SEQUENCER.getByName>
    | ReturnType<typeof env.VALIDATOR.getByName>,
): Promise<void> {
  await runInDurableObject(object(), (_object, state) => state.storage.deleteAlarm());
  try {
    await runInDurableObject(object(), (_object, state) => state.abort("killed by the test"));
  } catch {
    // That is how a call to an object that dies ends.
  }
}
