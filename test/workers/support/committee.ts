/** A sequencer under a real committee: four validator objects in the same workerd, over a real L1. */

import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, onTestFinished, vi } from "vitest";
import { encodeMessage } from "../../../src/consensus/message-bytes.ts";
import type { ChunkHeader } from "../../../src/core/chunk/header.ts";
import type { Receipt } from "../../../src/core/consensus/receipt.ts";
import {
  formatReceipt,
  parseReceipt,
  type ReceiptText,
} from "../../../src/core/consensus/receipt-json.ts";
import { candidateIndex } from "../../../src/core/consensus/types.ts";
import type { Address } from "../../../src/core/types/hex.ts";
import { verifyReceipt } from "../../../src/sdk/verify-receipt.ts";
import { type Chain, startChain } from "./chain.ts";
import { user } from "./history.ts";
import { configure } from "./serving.ts";

export type Sequencer = ReturnType<typeof env.SEQUENCER.getByName>;
export type Validator = ReturnType<typeof env.VALIDATOR.getByName>;

export type Committee = {
  /** A new stub each time: one that saw its object die fails for ever. */
  readonly object: Sequencer;
  readonly chain: Chain;
  readonly vars: Readonly<Record<string, string>>;
  /** The id of the candidate. */
  readonly id: string;
  readonly sql: <T>(work: (sql: SqlStorage) => T) => Promise<T>;
  /** Ticks until `isDone`; fails the test when that takes more than twenty seconds. */
  tickUntil(isDone: () => boolean | Promise<boolean>): Promise<void>;
  /** Kills the sequencer's object, and wakes it until it serves. */
  restart(): Promise<void>;
  /** Asks a validator to stand at once, for the one candidate that there is. */
  transfer(): Promise<void>;
  /** From now on these validators hear nothing and say nothing: they forget who they are. */
  silence(...which: readonly number[]): Promise<void>;
  /** And these come back, with what they had stored. */
  revive(...which: readonly number[]): Promise<void>;
  /** What the receipt proves, by this committee's records alone. */
  verify(receipt: Receipt | ReceiptText | null | undefined): ReturnType<typeof verifyReceipt>;
};

export function textOfReceipt(receipt: Receipt | ReceiptText): string {
  return "text" in receipt ? receipt.text : formatReceipt(receipt);
}

/** Of the chunk of an op that was answered with this receipt. */
export function headerOf(receipt: ReceiptText | null | undefined): ChunkHeader | null {
  const parsed = receipt == null ? null : parseReceipt(receipt.text);
  return parsed?.ok === true ? parsed.value.header.header : null;
}

let names = 0;

/** Not founded yet; its genesis is done. */
export async function unfounded(
  vars: Readonly<Record<string, string>> = {},
  accounts: readonly Address[] = [],
): Promise<Committee> {
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  const chain = await startChain();
  for (const account of [user(0), user(1), user(2), user(3), ...accounts]) {
    await chain.deposit(account, 10n ** 15n);
  }
  await chain.mine(2);
  names += 1;
  const id = `s${names}`;
  const members = ["a", "b", "c", "d"].map((letter) => `v${names}${letter}`);
  const all = {
    ...chain.vars,
    SEQ_CANDIDATES: `${id}=object:sequencer/${id}`,
    SEQ_VALIDATORS: members.map((name) => `object:validator/${name}`).join(),
    SEQ_VALIDATOR_KEK: `0x${"5e".repeat(32)}`,
    ...vars,
  };
  const app = chain.rollups.app.toLowerCase();
  const sequencer = () => env.SEQUENCER.getByName(`${app}:${id}`);
  const validator = (i: number) => env.VALIDATOR.getByName(`${app}:${members[i] ?? ""}`);
  const wake = (which: readonly number[]) =>
    configure(all, () => Promise.all(which.map((i) => validator(i).keyCard())));
  const committee: Committee = {
    get object() {
      return sequencer();
    },
    chain,
    vars: all,
    id,
    sql: (work) => runInDurableObject(sequencer(), (_object, state) => work(state.storage.sql)),
    tickUntil: (isDone) => tickUntil(sequencer, isDone),
    transfer: async () => {
      const [from, to] = [`object:sequencer/${id}`, `object:validator/${members[0] ?? ""}`];
      const message = encodeMessage({ is: "transfer", candidate: candidateIndex(0) });
      await validator(0).deliver(from, to, message);
    },
    restart: async () => {
      await kill(sequencer);
      await configure(all, () => sequencer().health());
      await tickUntil(sequencer, async () => (await sequencer().health()).mode === "serving");
    },
    silence: async (...which) => {
      for (const i of which) await kill(() => validator(i));
    },
    revive: async (...which) => {
      for (const i of which) await kill(() => validator(i));
      await wake(which);
    },
    verify: async (receipt) => {
      const epochs = await sequencer().epochs(-1);
      if (!epochs.ok || receipt == null) return expect.unreachable("a receipt and its epochs");
      const { genesis, records } = epochs.value;
      return await verifyReceipt(textOfReceipt(receipt), { genesis: genesis ?? "", records });
    },
  };
  // A committee that goes on talking would be cut off in the midst of a word when its file ends.
  onTestFinished(async () => {
    await kill(sequencer);
    await committee.silence(0, 1, 2, 3);
  });
  await wake([0, 1, 2, 3]);
  await configure(all, () => sequencer().health());
  await tickUntil(sequencer, async () => (await sequencer().deployment()).ok);
  return committee;
}

export async function found(committee: Committee): Promise<void> {
  const { object } = committee;
  const founded = await object.found({ quorum: null, scheme: null, tokens: {} });
  expect(founded).toMatchObject({ ok: true });
  await committee.tickUntil(async () => (await object.health()).mode === "serving");
}

/** Serving, with users 0 to 3, and these accounts, who own enough for many ops. */
export async function serveCommittee(
  vars: Readonly<Record<string, string>> = {},
  accounts: readonly Address[] = [],
): Promise<Committee> {
  const committee = await unfounded(vars, accounts);
  await found(committee);
  return committee;
}

/** Its life ends at once, with all that it waited for; the next call begins another one. */
async function kill(object: () => Sequencer | Validator): Promise<void> {
  await runInDurableObject(object(), (_object, state) => state.storage.deleteAlarm());
  try {
    await runInDurableObject(object(), (_object, state) => state.abort("killed by the test"));
  } catch {
    // That is how a call to an object that dies ends.
  }
}

async function tickUntil(
  object: () => Sequencer,
  isDone: () => boolean | Promise<boolean>,
): Promise<void> {
  const startedAtMs = Date.now();
  while (!(await isDone())) {
    await runDurableObjectAlarm(object());
    expect(Date.now() - startedAtMs).toBeLessThan(20_000);
  }
}
