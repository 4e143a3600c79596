/**
 * One closed-loop run: `workers` connections, each with a sender of its own, each sending its next op
 * as soon as the last was answered. A feed reader beside them sees every op that got a 200, or the run
 * is invalid.
 */

import { WebSocket } from "ws";
import { HttpConnection } from "./http-client.ts";
import { type Percentiles, percentiles } from "./stats.ts";

export type RunResult = {
  readonly workers: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly ackMs: Percentiles;
  readonly feedMs: Percentiles;
};

/** Bodies of one worker, in nonce order; `keys[i]` is `sender:nonce` of `bodies[i]`. */
export type Script = { readonly bodies: readonly string[]; readonly keys: readonly string[] };

/** Records of the feed, by the time that they were seen. */
class FeedReader {
  readonly seenAtMs = new Map<string, number>();
  readonly #socket: WebSocket;
  #unacked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#onRecord(String(data)));
  }

  static open(url: string, fromOffset: number): Promise<FeedReader> {
    const socket = new WebSocket(
      `${url.replace("http", "ws")}/ws/subscribe?from_offset=${fromOffset}`,
    );
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => resolve(new FeedReader(socket)));
    });
  }

  #onRecord(text: string): void {
    const record = JSON.parse(text) as {
      kind: string;
      sender: string;
      nonce: number;
      offset: number;
    };
    if (record.kind !== "user_op") return;
    this.seenAtMs.set(`${record.sender.toLowerCase()}:${record.nonce}`, performance.now());
    if (++this.#unacked < 512) return;
    this.#unacked = 0;
    this.#socket.send(JSON.stringify({ ack: record.offset }));
  }

  close(): void {
    this.#socket.terminate();
  }
}

type Timing = { readonly sentAtMs: number; readonly ackedAtMs: number };

/** Throws when an accepted op is missing on the feed 10 s after the last answer. */
export async function run(url: string, scripts: readonly Script[]): Promise<RunResult> {
  const head = (await (await fetch(`${url}/healthz`)).json()) as { feed_head: number };
  const reader = await FeedReader.open(url, head.feed_head);
  const connections = await Promise.all(scripts.map(() => HttpConnection.open(url)));
  const acked = new Map<string, Timing>();
  let rejected = 0;
  const startedMs = performance.now();
  await Promise.all(
    scripts.map(async (script, i) => {
      const connection = connections[i];
      if (connection === undefined) throw new Error("one connection per script");
      for (const [j, body] of script.bodies.entries()) {
        const sentAtMs = performance.now();
        const answer = await connection.send(HttpConnection.request(connection.host, "/tx", body));
        if (answer.status === 200) {
          acked.set(script.keys[j] ?? "", { sentAtMs, ackedAtMs: performance.now() });
        } else rejected++;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  for (const connection of connections) connection.close();
  await allSeen(reader, acked);
  reader.close();
  const timings = [...acked];
  return {
    workers: scripts.length,
    accepted: acked.size,
    rejected,
    seconds,
    ackMs: percentiles(timings.map(([, t]) => t.ackedAtMs - t.sentAtMs)),
    feedMs: percentiles(
      timings.map(([key, t]) => (reader.seenAtMs.get(key) ?? Number.NaN) - t.sentAtMs),
    ),
  };
}

async function allSeen(reader: FeedReader, acked: ReadonlyMap<string, Timing>): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const missing = [...acked.keys()].filter((key) => !reader.seenAtMs.has(key)).length;
    if (missing === 0) return;
    if (performance.now() > deadlineMs)
      throw new Error(`invalid run: ${missing} acked ops not on the feed`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
