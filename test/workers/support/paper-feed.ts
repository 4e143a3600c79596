/**
 * A feed on paper, for relays to follow: the rules F1, F3, F5 and F7 in their plainest form.
 *
 * It keeps every record that it ever gave. What a reader must hold in the end is asked of it too. It can be
 * down, hang, forget its sockets without a word, or be replaced by another history.
 */

import type { SubscribeQuery } from "../../../src/core/api/query.ts";
import { historyRefusal, type Rejection, unavailable } from "../../../src/core/api/rejection.ts";
import type { FeedPage, FeedQuery } from "../../../src/core/api/sequencer-api.ts";
import { decideResume } from "../../../src/core/feed/cursor.ts";
import { type FeedRecord, formatRecord } from "../../../src/core/feed/record.ts";
import { ZERO_ADDRESS } from "../../../src/core/types/hex.ts";
import { err, ok, type Result } from "../../../src/core/types/result.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../../../src/core/types/units.ts";
import type { FeedSource } from "../../../src/durable-objects/relay/source.ts";

type Follower = { readonly socket: WebSocket; cursor: number };

const PAGE_BYTES = 1024 * 1024;

export class PaperFeed {
  era = crypto.randomUUID();
  availableFrom = 0;
  generation = 0;
  readonly records: FeedRecord[] = [];
  /** Every offset that it ever gave, forgotten ones too. */
  readonly given = new Set<number>();
  /** Questions and sockets that were asked for. */
  readonly asked = { pages: 0, sockets: 0 };
  isDown = false;
  /** Accepts sockets, and sends nothing over any. */
  isMute = false;
  /** Resolves before a page is answered; nothing to wait for by default. */
  before: () => Promise<void> = () => Promise.resolve();
  readonly #followers = new Set<Follower>();

  get head(): number {
    return this.records.at(-1)?.offset ?? 0;
  }

  get sockets(): number {
    return this.#followers.size;
  }

  /** `bytes` of data in each. */
  append(count: number, bytes = 1): void {
    for (let i = 0; i < count; i++) {
      this.records.push({
        kind: "user_op",
        offset: offset(this.head + 1),
        sender: ZERO_ADDRESS,
        nonce: this.head,
        fee: feeExponent(1060),
        data: new Uint8Array(bytes),
        safeBlock: blockNumber(7),
        batchNonce: batchNonce(0),
      });
    }
    this.#tell();
  }

  /** `gap`: offsets left out, as a new epoch does. */
  rollback(keepThrough: number, gap = 0): void {
    this.generation += 1;
    const at = offset(this.head + 1 + gap);
    const { generation } = this;
    const record = {
      kind: "rollback",
      offset: at,
      keepThrough: offset(keepThrough),
      generation,
    } as const;
    this.records.push(record);
    this.#tell();
  }

  /** The last `count` records were never certified, and the successor does not have them. */
  forget(count: number): void {
    this.records.splice(this.records.length - count, count);
    this.kill();
  }

  /** The history of a rebuild, in place of this one. */
  replace(): void {
    this.era = crypto.randomUUID();
    this.records.length = 0;
    this.generation = 0;
    this.kill();
  }

  /** Every socket ends. */
  kill(): void {
    for (const { socket } of this.#followers) socket.close(1012, "resume by offset");
    this.#followers.clear();
  }

  /** No socket hears of anything again, and none ends. */
  forgetSockets(): void {
    this.#followers.clear();
  }

  certify(height: number, nextOffset: number): string {
    const record = { kind: "certificate", epoch: 0, height, chunk: "0x", next_offset: nextOffset };
    const text = JSON.stringify({ ...record, certificate: "0x" });
    for (const { socket } of this.#followers) socket.send(`[${text}]`);
    return text;
  }

  /** Whatever was ever sent, byte for byte. */
  sendRaw(text: string): void {
    for (const { socket } of this.#followers) socket.send(text);
  }

  /** What a replay from `cursor` gives. */
  after(cursor: number): readonly FeedRecord[] {
    const rest = this.records.filter((record) => record.offset > cursor);
    return rest.filter(
      (record, i) =>
        record.kind === "rollback" ||
        !rest
          .slice(i)
          .some((later) => later.kind === "rollback" && later.keepThrough < record.offset),
    );
  }

  readonly source = (): FeedSource => {
    if (this.isDown) throw new Error("upstream is down");
    return {
      feedPage: (query) => this.feedPage(query),
      subscribe: (query) => this.subscribe(query),
    };
  };

  async feedPage({ fromOffset, limit, era }: FeedQuery): Promise<Result<FeedPage, Rejection>> {
    this.asked.pages += 1;
    await this.before();
    if (this.isDown) return err(unavailable("starting"));
    const refusal = this.#refusal(fromOffset, era);
    if (refusal !== null) return err(refusal);
    const records: FeedRecord[] = [];
    let bytes = 0;
    for (const record of this.after(fromOffset).slice(0, limit)) {
      bytes += formatRecord(record).length + 1;
      if (records.length > 0 && bytes > PAGE_BYTES) break;
      records.push(record);
    }
    return ok({
      era: this.era,
      generation: this.generation,
      available_from: this.availableFrom,
      head: this.head,
      records: records.map(formatRecord),
      next_offset: records.at(-1)?.offset ?? fromOffset,
    });
  }

  subscribe({ fromOffset, era }: SubscribeQuery): Promise<Result<WebSocket, Rejection>> {
    this.asked.sockets += 1;
    if (this.isDown) return Promise.resolve(err(unavailable("starting")));
    const refusal = this.#refusal(fromOffset, era);
    if (refusal !== null) return Promise.resolve(err(refusal));
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const follower = { socket: server, cursor: fromOffset };
    server.addEventListener("close", () => this.#followers.delete(follower));
    this.#followers.add(follower);
    this.#tell();
    return Promise.resolve(ok(client));
  }

  #refusal(fromOffset: number, era: string | null): Rejection | null {
    const { head, availableFrom } = this;
    const resume = decideResume({ fromOffset, era }, { head, availableFrom, era: this.era });
    return resume === "resume" ? null : historyRefusal(resume);
  }

  #tell(): void {
    for (const record of this.records) this.given.add(record.offset);
    if (this.isMute) return;
    for (const follower of this.#followers) {
      const records = this.after(follower.cursor);
      if (records.length === 0) continue;
      follower.cursor = this.head;
      follower.socket.send(`[${records.map(formatRecord).join(",")}]`);
    }
  }
}
