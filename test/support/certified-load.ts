/**
 * Senders that wait for the certificate of each op before they send the next, by turns over several Workers.
 *
 * An op is sent again until it is certified, whatever happens to processes meanwhile (I4). So the nonce
 * of a sender is never wrong: a refusal for it means that a certified op was lost.
 */

import { expect } from "vitest";
import type { Sender } from "../../bench/ops.ts";
import type { CertifiedReceipt } from "../../src/core/consensus/receipt.ts";
import { parseReceipt } from "../../src/core/consensus/receipt-json.ts";
import { must } from "../../src/core/types/assert.ts";
import { verifyEpochs, verifyReceipt } from "../../src/sdk/verify-receipt.ts";
import { epochsOf } from "./committee-product.ts";
import { heldAfter } from "./live-reader.ts";
import { type Answer, account, type Product, postTx, readFeed, until } from "./product.ts";

export type CertifiedOp = {
  readonly key: string;
  readonly offset: number;
  readonly receipt: CertifiedReceipt;
  /** Whose Worker answered. */
  readonly url: string;
  /** Of this machine's clock. */
  readonly atMs: number;
};

/** Not now: there is no leader, it has no room, or the certificate did not come in time. */
const AGAIN = [202, 429, 503];
const RETRY_MS = 20;
const END_LIMIT_MS = 60_000;

const keyOf = (sender: string, nonce: number): string => `${sender.toLowerCase()}:${nonce}`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class CertifiedLoad {
  readonly ops: CertifiedOp[] = [];
  readonly #product: Product;
  readonly #urls: readonly string[];
  readonly #loops: readonly Promise<void>[];
  #isEnding = false;
  #failure: unknown = null;
  #running: number;

  constructor(product: Product, urls: readonly string[], senders: readonly Sender[]) {
    this.#product = product;
    this.#urls = urls;
    this.#running = senders.length;
    this.#loops = senders.map((from, i) => this.#loop(from, i));
  }

  /** Lets each sender see its last op certified. Throws what any of them met. */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await until(
      () => Promise.resolve(this.#running),
      (running) => running === 0,
      END_LIMIT_MS,
    );
    await Promise.all(this.#loops);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Waits for so many certified answers from each Worker, from now on. */
  async more(ofEach: number, limitMs: number, urls: readonly string[] = this.#urls): Promise<void> {
    const from = this.ops.length;
    const fewest = () => {
      if (this.#failure !== null) throw this.#failure;
      const ops = this.ops.slice(from);
      return Math.min(...urls.map((url) => ops.filter((op) => op.url === url).length));
    };
    await until(
      () => Promise.resolve().then(fewest),
      (count) => count >= ofEach,
      limitMs,
    );
  }

  /** The longest time without a certified answer that ended after `sinceMs`, in milliseconds. */
  longestGapMs(sinceMs: number): number {
    const times = this.ops.map(({ atMs }) => atMs);
    const gaps = times.map((atMs, i) => (atMs < sinceMs ? 0 : atMs - (times[i - 1] ?? atMs)));
    return Math.max(0, ...gaps);
  }

  async #loop(from: Sender, first: number): Promise<void> {
    try {
      for (let turn = first; !this.#isEnding && this.#failure === null; ) {
        turn = await this.#one(from, turn);
      }
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#running--;
    }
  }

  /** Sends one op until it is certified; answers whose turn it is then. */
  async #one(from: Sender, first: number): Promise<number> {
    const { nonce } = from;
    const body = this.#product.transfer(from, account(this.#product, 9).address, 1n);
    for (let turn = first; ; turn++) {
      const url = must(this.#urls[turn % this.#urls.length], "there are Workers");
      const answer = await tryPost(url, body);
      if (answer?.status === 200) {
        this.ops.push({ ...opIn(answer), key: keyOf(from.address, nonce), url, atMs: Date.now() });
        return turn + 1;
      }
      if (answer !== null)
        expect(AGAIN, `${url}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
      await pause(RETRY_MS);
    }
  }
}

/** Null when the process is gone, or goes meanwhile. */
async function tryPost(url: string, body: string): Promise<Answer | null> {
  try {
    return await postTx(url, body, "?wait=certified");
  } catch (error) {
    // `fetch` says so; everything else is a failure of the test.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function opIn({ body }: Answer): Pick<CertifiedOp, "offset" | "receipt"> {
  const receipt = parseReceipt(JSON.stringify(body["receipt"]));
  if (!receipt.ok || receipt.value.tier !== "certified") return expect.unreachable();
  return { offset: Number(body["offset"]), receipt: receipt.value };
}

/** C6: whatever was certified is on the feed at its place, and its receipt holds under the epochs of today. */
export async function expectNothingLost(url: string, ops: readonly CertifiedOp[]): Promise<void> {
  const places = new Map<number, string>();
  for (const record of heldAfter(await readFeed(url))) {
    if (record.kind === "user_op") places.set(record.offset, keyOf(record.sender, record.nonce));
  }
  expect(ops.filter(({ key, offset }) => places.get(offset) !== key)).toEqual([]);
  const epochs = await verifyEpochs(await epochsOf(url));
  if (!epochs.ok) throw new Error(epochs.error.problem);
  for (const { receipt } of ops) {
    const proof = await verifyReceipt(receipt, epochs.value);
    expect(proof).toMatchObject({ ok: true, value: { abandonedBy: null } });
  }
}
