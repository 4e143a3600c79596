/**
 * One run: `workers` connections, each with a sender of its own, each sending its next op as soon as
 * the last was answered, or all together at a fixed rate. A feed reader beside them sees every op that
 * got a 200, and under a committee its certificate, or the run is invalid.
 */

import { get } from "node:http";
import { get as getSecurely } from "node:https";
import { json } from "node:stream/consumers";
import { WebSocket } from "ws";
import { HttpConnection } from "./http-client.ts";
import { type Percentiles, percentiles } from "./stats.ts";
import { SubmitSocket } from "./submit-socket.ts";

export type RunResult = {
  readonly workers: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly seconds: number;
  readonly ackMs: Percentiles;
  readonly feedMs: Percentiles;
  /** From the write of the request to the certificate that covers the op; NaN without a committee. */
  readonly certifiedMs: Percentiles;
};

/** Closed loops send their next op when the last was answered; an open loop sends at a fixed rate. */
export type Pace =
  | { readonly is: "closed" }
  | { readonly is: "open"; readonly opsPerSecond: number };

/** One way to submit: resolves with whether the op was accepted. */
export type Connection = { submit(body: string): Promise<boolean>; close(): void };

/** Opens what `loops` closed loops use; the i-th loop uses the i-th. */
export type Connect = (url: string, loops: number) => Promise<readonly Connection[]>;

/** Each loop has an HTTP connection of its own. */
export const connectEach: Connect = (url, loops) =>
  Promise.all(Array.from({ length: loops }, () => HttpConnection.open(url)));

/** The loops share `sockets` submit channels. */
export function connectShared(sockets: number): Connect {
  return async (url, loops) => {
    const count = Math.min(sockets, loops);
    const open = await Promise.all(Array.from({ length: count }, () => SubmitSocket.open(url)));
    return Array.from({ length: loops }, (_, i) => open[i % count]).filter((one) => one != null);
  };
}

/** Bodies of one worker, in nonce order; `keys[i]` is `sender:nonce` of `bodies[i]`. */
export type Script = { readonly bodies: readonly string[]; readonly keys: readonly string[] };

const CERTIFICATE = /"kind":"certificate".*?"next_offset":(\d+)/g;
const USER_OP = /"user_op","offset":(\d+),"sender":"(0x[0-9a-fA-F]{40})","nonce":(\d+)/g;

/** Records of the feed, by the time that they were seen. */
class FeedReader {
  readonly seenAtMs = new Map<string, number>();
  /** Of each op, by key; and the ops that no certificate covers yet, in the order of their offsets. */
  readonly certifiedAtMs = new Map<string, number>();
  #uncertified: { readonly key: string; readonly offset: number }[] = [];
  readonly #socket: WebSocket;
  #unacked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      if (Buffer.isBuffer(data)) this.#onRecords(data.toString());
    });
  }

  static open(url: string, fromOffset: number): Promise<FeedReader> {
    const socket = new WebSocket(
      `${url.replace("http", "ws")}/ws/subscribe?from_offset=${fromOffset}&batch=1&certificates=1`,
    );
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => resolve(new FeedReader(socket)));
    });
  }

  /** Reads the three fields that it needs and no more: parsing all would cost what is measured. */
  #onRecords(text: string): void {
    const nowMs = performance.now();
    let offset = "";
    for (const [, at = "", sender = "", nonce = ""] of text.matchAll(USER_OP)) {
      const key = `${sender.toLowerCase()}:${nonce}`;
      this.seenAtMs.set(key, nowMs);
      this.#uncertified.push({ key, offset: Number(at) });
      offset = at;
      this.#unacked++;
    }
    for (const [, next = ""] of text.matchAll(CERTIFICATE))
      this.#onCertificate(Number(next), nowMs);
    if (this.#unacked < 512) return;
    this.#unacked = 0;
    this.#socket.send(`{"ack":${offset}}`);
  }

  #onCertificate(nextOffset: number, nowMs: number): void {
    const covered = this.#uncertified.findIndex(({ offset }) => offset >= nextOffset);
    const all = this.#uncertified.splice(0, covered === -1 ? this.#uncertified.length : covered);
    for (const { key } of all) this.certifiedAtMs.set(key, nowMs);
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** What is asked of `GET /healthz`. */
type Health = {
  readonly feed_head: number;
  readonly committee?: { readonly reason: string | null } | null;
};

type Timing = { readonly sentAtMs: number; readonly ackedAtMs: number };

/** Throws when an accepted op is missing on the feed 10 s after the last answer. */
export async function run(
  url: string,
  scripts: readonly Script[],
  connect: Connect = connectEach,
  pace: Pace = { is: "closed" },
): Promise<RunResult> {
  const health = await healthOf(url);
  const reader = await FeedReader.open(url, health.feed_head);
  const connections = await connect(url, scripts.length);
  const acked = new Map<string, Timing>();
  let rejected = 0;
  const startedMs = performance.now();
  await Promise.all(
    scripts.map(async (script, i) => {
      const connection = connections[i];
      if (connection === undefined) throw new Error("one connection per script");
      for (const [j, body] of script.bodies.entries()) {
        const sentAtMs =
          pace.is === "closed"
            ? performance.now()
            : await dueAt(startedMs + ((j * scripts.length + i) * 1000) / pace.opsPerSecond);
        if (await connection.submit(body)) {
          acked.set(script.keys[j] ?? "", { sentAtMs, ackedAtMs: performance.now() });
        } else rejected++;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  for (const connection of connections) connection.close();
  await allSeen(reader, acked);
  // A short run ends before its first certificate.
  const isCertifying = health.committee != null && health.committee.reason === null;
  if (isCertifying || reader.certifiedAtMs.size > 0) await allCertified(reader, acked);
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
    certifiedMs: percentiles(
      timings.flatMap(([key, t]) => {
        const atMs = reader.certifiedAtMs.get(key);
        return atMs === undefined ? [] : [atMs - t.sentAtMs];
      }),
    ),
  };
}

/** Waits for an open loop's next turn. One that comes late has let its op wait, and that counts. */
async function dueAt(atMs: number): Promise<number> {
  const waitMs = atMs - performance.now();
  if (waitMs <= 0) return atMs;
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  return performance.now();
}

async function allCertified(reader: FeedReader, acked: ReadonlyMap<string, Timing>): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (![...acked.keys()].every((key) => reader.certifiedAtMs.has(key))) {
    if (performance.now() > deadlineMs)
      throw new Error("invalid run: an acked op is not certified");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
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

/** The socket is closed after it: one that idled while ops were signed may be closed already. */
function healthOf(url: string): Promise<Health> {
  return new Promise((resolve, reject) => {
    const ask = url.startsWith("https:") ? getSecurely : get;
    const request = ask(`${url}/healthz`, { agent: false }, (response) => {
      json(response).then((body) => resolve(body as Health), reject);
    });
    request.on("error", reject);
  });
}
