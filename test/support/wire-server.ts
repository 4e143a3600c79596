/**
 * A sequencer on paper behind a real HTTP and WebSocket server, whose wire a test can break.
 *
 * Requests and frames are what the product's are; what is lost, late, doubled or cut is up to the test.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { parseFeedQuery, parseSubscribeQuery } from "../../src/core/api/query.ts";
import { refusal } from "../../src/core/api/refusal.ts";
import { historyRefusal, notFound, type Rejection } from "../../src/core/api/rejection.ts";
import {
  formatConfirmation,
  formatFeedPage,
  formatTransaction,
} from "../../src/core/api/responses.ts";
import { decideResume } from "../../src/core/feed/cursor.ts";
import { formatRecord } from "../../src/core/feed/record.ts";
import { address } from "../../src/core/types/hex.ts";
import { batchNonce, feeExponent, offset } from "../../src/core/types/units.ts";
import { DOMAIN_NAME, DOMAIN_VERSION } from "../../src/core/wire/user-op.ts";
import { PaperSequencer } from "./paper-sequencer.ts";
import { CONFIG, PORTAL } from "./wallet.ts";

export type WireRequest = {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: string;
};

/** `drop`: nobody hears the request. `lose`: it is done, and its answer is lost. */
export type Fault = "drop" | "lose" | { readonly status: number; readonly retryAfterS?: number };

export const OPERATOR_TOKEN = "an operator's token";
const FRAME_RECORDS = 64;

type Reader = { readonly socket: WebSocket; cursor: number; readonly isBatched: boolean };

export class WireServer {
  readonly sequencer = new PaperSequencer();
  readonly url: string;
  era = "6a1c2a39-8f0f-4d7e-9c7e-0d7b2b1f5a11";
  readonly requests: WireRequest[] = [];
  /** Every ack that came, in order. */
  readonly acks: number[] = [];
  /** Sockets that were opened. */
  opened = 0;
  fault: (request: WireRequest) => Fault | null = () => null;
  /** What is sent instead of these frames. */
  mangle: (frames: readonly string[]) => readonly string[] = (frames) => frames;
  /** Answers an upgrade instead of the feed: a status to refuse it, or a close code. */
  upgrade: () => number | null = () => null;
  hasCommittee = false;
  /** Of `GET /latest_snapshot`; null: there is none. */
  snapshot: { readonly bytes: Uint8Array; readonly offset: number } | null = null;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #readers = new Set<Reader>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#answer(request, response));
    server.on("upgrade", (request, duplex, head) => this.#subscribe(request, duplex, head));
    this.sequencer.onAppend = () => this.#pump();
  }

  static async start(): Promise<WireServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new WireServer(server);
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Ends every socket: with a close frame, or with 0 without a word. */
  cut(code = 0): void {
    for (const reader of this.#readers) {
      if (code === 0) reader.socket.terminate();
      else reader.socket.close(code, "told so");
      this.#readers.delete(reader);
    }
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Paths asked for, without their queries. */
  asked(path: string): number {
    return this.requests.filter((request) => request.path.split("?")[0] === path).length;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts).toString("utf8");
    const request = { method: incoming.method ?? "", path: incoming.url ?? "", body };
    this.requests.push(request);
    const fault = this.fault(request);
    if (fault === "drop") {
      incoming.socket.destroy();
      return;
    }
    if (fault !== null && fault !== "lose") {
      const retryAfterS = fault.retryAfterS ?? null;
      send(response, {
        status: fault.status,
        code: "UNAVAILABLE",
        message: "told so",
        retryAfterS,
      });
      return;
    }
    const answer = this.#route(request, incoming.headers.authorization, response);
    if (fault === "lose") incoming.socket.destroy();
    else if (typeof answer === "string") response.end(answer);
    else if (answer !== null) send(response, answer);
  }

  /** JSON text, a refusal, or null when the response was written. */
  #route(
    { method, path, body }: WireRequest,
    authorization: string | undefined,
    response: ServerResponse,
  ): string | Rejection | null {
    const { pathname, searchParams } = new URL(path, this.url);
    if (method === "POST" && pathname === "/tx") return this.#submit(body);
    const [, tx, sender = "", nonce = ""] = pathname.split("/");
    if (tx === "tx") {
      const found = this.sequencer.transaction(address(sender.toLowerCase()), Number(nonce));
      return found.ok ? formatTransaction(found.value) : found.error;
    }
    switch (pathname) {
      case "/domain":
        return JSON.stringify({
          ...this.sequencer.domain,
          name: DOMAIN_NAME,
          version: DOMAIN_VERSION,
        });
      case "/fee": {
        const { fee } = this.sequencer;
        return JSON.stringify({ fee, recommended_fee: fee, suggested_max_fee: fee + 53 });
      }
      case "/nonce": {
        const who = address((searchParams.get("sender") ?? "").toLowerCase());
        return JSON.stringify({ sender: who, next_nonce: this.sequencer.state.nextNonce(who) });
      }
      case "/deployment":
        return JSON.stringify(this.#deployment());
      case "/feed":
        return this.#page((name) => searchParams.get(name));
      case "/latest_snapshot":
        return this.#latest(authorization, response);
      default:
        return notFound("not found");
    }
  }

  #deployment() {
    return {
      chain_id: this.sequencer.domain.chainId,
      app: PORTAL,
      input_box: PORTAL,
      input_box_block: 0,
      submitter: PORTAL,
      application: walletApplication.name,
      application_config: walletApplication.describeConfig(CONFIG),
      era: this.era,
      committee: null,
    };
  }

  #submit(body: string): string | Rejection {
    const included = this.sequencer.submit(body);
    if (!included.ok) return included.error;
    const place = {
      offset: offset(included.value.offset),
      batchNonce: batchNonce(0),
      frameFee: feeExponent(this.sequencer.fee),
    };
    const receipt = this.hasCommittee ? { receipt: null } : {};
    return formatConfirmation(included.value, { ...place, ...receipt });
  }

  #page(query: (name: string) => string | null): string | Rejection {
    const parsed = parseFeedQuery(query);
    if (!parsed.ok) return parsed.error;
    const { fromOffset, limit } = parsed.value;
    const refused = this.#refused(parsed.value);
    if (refused !== null) return refused;
    const records = this.sequencer.after(fromOffset).slice(0, limit);
    return formatFeedPage({
      era: this.era,
      generation: this.sequencer.generation,
      available_from: this.sequencer.availableFrom,
      head: this.sequencer.head,
      records: records.map(formatRecord),
      next_offset: records.at(-1)?.offset ?? fromOffset,
    });
  }

  #latest(authorization: string | undefined, response: ServerResponse): Rejection | null {
    const isOperator = authorization === `Bearer ${OPERATOR_TOKEN}`;
    if (!isOperator || this.snapshot === null) {
      return notFound(isOperator ? "no snapshot" : "not found");
    }
    response.setHeader("x-l2-tx-index", String(this.snapshot.offset));
    response.end(this.snapshot.bytes);
    return null;
  }

  #refused(claim: { readonly fromOffset: number; readonly era: string | null }): Rejection | null {
    const { head, availableFrom } = this.sequencer;
    const resume = decideResume(claim, { head, availableFrom, era: this.era });
    return resume === "resume" ? null : historyRefusal(resume);
  }

  #subscribe(incoming: IncomingMessage, duplex: Duplex, head: Buffer): void {
    this.requests.push({ method: "UPGRADE", path: incoming.url ?? "", body: "" });
    const { searchParams } = new URL(incoming.url ?? "", this.url);
    const query = parseSubscribeQuery((name) => searchParams.get(name));
    const refused = query.ok ? this.#refused(query.value) : query.error;
    const told = this.upgrade();
    if (!query.ok || refused !== null || (told !== null && told < 1000)) {
      duplex.end(`HTTP/1.1 ${refused?.status ?? told} Refused\r\nconnection: close\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(incoming, duplex, head, (socket) => {
      this.opened += 1;
      if (told !== null) {
        socket.close(told, "told so");
        return;
      }
      const { fromOffset, isBatched } = query.value;
      this.#read({ socket, cursor: fromOffset, isBatched });
    });
  }

  #read(reader: Reader): void {
    this.#readers.add(reader);
    reader.socket.on("message", (data) => {
      const { ack } = JSON.parse(String(data)) as { ack: number };
      this.acks.push(ack);
    });
    reader.socket.on("close", () => this.#readers.delete(reader));
    this.#pump();
  }

  #pump(): void {
    for (const reader of this.#readers) {
      const texts = this.sequencer.after(reader.cursor).map(formatRecord);
      if (texts.length === 0) continue;
      reader.cursor = this.sequencer.head;
      for (const frame of this.mangle(reader.isBatched ? batched(texts) : texts)) {
        reader.socket.send(frame);
      }
    }
  }
}

function batched(texts: readonly string[]): readonly string[] {
  const frames: string[] = [];
  for (let i = 0; i < texts.length; i += FRAME_RECORDS) {
    frames.push(`[${texts.slice(i, i + FRAME_RECORDS).join(",")}]`);
  }
  return frames;
}

function send(response: ServerResponse, rejection: Rejection): void {
  const { status, headers, body } = refusal(rejection);
  response.writeHead(status, headers).end(body);
}
