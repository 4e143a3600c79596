/** The product as its users meet it: a stack of real processes, HTTP, the feed, and L1 read directly. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { keyFromHex, type Sender, senderOf, signedTransfer, signerFor } from "../../bench/ops.ts";
import type { TransactionBody } from "../../src/core/api/sequencer-api.ts";
import { type FeedRecord, parseRecord } from "../../src/core/feed/record.ts";
import { must } from "../../src/core/types/assert.ts";
import type { Address } from "../../src/core/types/hex.ts";
import { rpcOf } from "../../src/local/rpc.ts";
import { startStack } from "../../src/local/stack.ts";
import type { Stack, StackOptions } from "../../src/local/stack-options.ts";
import { keepNoBlockHashes } from "./anvil.ts";

export type Product = {
  readonly stack: Stack;
  readonly dataDir: string;
  /** The ten funded accounts. */
  readonly accounts: readonly Sender[];
  /** The body of a signed transfer with the sender's next nonce. */
  transfer(from: Sender, to: Address, amount: bigint): string;
  post(body: string): Promise<Answer>;
  transaction(sender: Address, nonce: number): Promise<TransactionBody>;
  stop(): Promise<void>;
};

export type Answer = {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
};

/** A fresh stack in a folder of its own. The safe head trails by two blocks, so that tests are short. */
export async function startProduct(options: Partial<StackOptions> = {}): Promise<Product> {
  const dataDir = mkdtempSync(join(tmpdir(), "baton-e2e-"));
  const stack = await startStack({
    dataDir,
    httpPort: 0,
    anvilPort: 0,
    slotsInEpoch: 2,
    fresh: true,
    ...options,
  });
  await keepNoBlockHashes(rpcOf(stack.rpcUrl));
  const signer = signerFor(stack.chainId, stack.app);
  return {
    stack,
    dataDir,
    accounts: stack.accounts.map(({ privateKey }) => senderOf(keyFromHex(privateKey))),
    transfer: (from, to, amount) => signedTransfer(signer, from, to, amount),
    post: (body) => postTx(stack.url, body),
    async transaction(sender, nonce) {
      const response = await fetch(`${stack.url}/tx/${sender}/${nonce}`);
      return (await response.json()) as TransactionBody;
    },
    async stop() {
      await stack.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** `query`: `?wait=certified`, or nothing. */
export async function postTx(url: string, body: string, query = ""): Promise<Answer> {
  const response = await fetch(`${url}/tx${query}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  const json = (await response.json()) as Readonly<Record<string, unknown>>;
  return { status: response.status, body: json, headers: response.headers };
}

/** Asks until `done` says so. Throws with the last answer after `limitMs`. */
export async function until<T>(
  ask: () => Promise<T>,
  done: (value: T) => boolean,
  limitMs: number,
): Promise<T> {
  const deadlineMs = Date.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (done(value)) return value;
    if (Date.now() > deadlineMs) throw new Error(`still ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every record after `fromOffset`, through the bulk path. */
export async function readFeed(url: string, fromOffset = 0): Promise<readonly FeedRecord[]> {
  const all: FeedRecord[] = [];
  for (let cursor = fromOffset; ; ) {
    const response = await fetch(`${url}/feed?from_offset=${cursor}&limit=1000`);
    const page = (await response.json()) as { records: object[]; next_offset: number };
    if (page.records.length === 0) return all;
    for (const record of page.records) {
      const parsed = parseRecord(JSON.stringify(record));
      if (!parsed.ok) throw new Error(parsed.error);
      all.push(parsed.value);
    }
    cursor = page.next_offset;
  }
}

/** A reader of the live feed that keeps everything that it was sent. */
export class FeedSocket {
  readonly records: FeedRecord[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const parsed = parseRecord(String(data));
      if (!parsed.ok) throw new Error(parsed.error);
      this.records.push(parsed.value);
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    // A killed server resets the connection; the close event that follows tells what matters.
    socket.on("error", () => undefined);
  }

  static open(url: string, fromOffset: number): Promise<FeedSocket> {
    const socket = new WebSocket(
      `${url.replace("http", "ws")}/ws/subscribe?from_offset=${fromOffset}`,
    );
    const feed = new FeedSocket(socket);
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => resolve(feed));
    });
  }

  get lastOffset(): number {
    return this.records.at(-1)?.offset ?? 0;
  }

  ack(): void {
    this.#socket.send(JSON.stringify({ ack: this.lastOffset }));
  }

  /** Stops reading from the network, as a stuck client does. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.terminate();
  }
}

export function account(product: Product, index: number): Sender {
  return must(product.accounts[index], "there are ten accounts");
}
