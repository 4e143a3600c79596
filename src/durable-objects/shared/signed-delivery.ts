/**
 * Messages from other deployments, opened: fresh, for this object, from whom it says, and never twice.
 *
 * The key is that of the sender in the newest record. Who is not in it may be ahead of this object, and
 * may therefore talk about records, which prove themselves; a bounded number of such messages is read.
 */

import { decodeMessage } from "../../consensus/message-bytes.ts";
import type { Message } from "../../consensus/messages.ts";
import { MESSAGE_AGE_MS_MAX, type SignedMessage } from "../../core/api/committee-api.ts";
import { badRequest, queueFull, type Rejection, rejection } from "../../core/api/rejection.ts";
import { messagePreimage, type Speaker } from "../../core/consensus/message-preimage.ts";
import { toHex } from "../../core/types/hex.ts";
import { err, ok, type Result } from "../../core/types/result.ts";
import { asyncVerify } from "../../crypto/schemes/registry.ts";
import type { History } from "./committee-transport.ts";

export type DeliveryParts = {
  readonly self: () => string | null;
  readonly history: () => History | null;
  /** Who speaks for an endpoint in the newest record. */
  readonly speaker: (endpoint: string) => Speaker | null;
  readonly now: () => number;
};

/** Messages that are remembered so that none is taken twice: those of one minute. */
const SEEN_MAX = 16_384;
/** From one message of a stranger to the next. */
const STRANGER_GAP_MS = 100;
/** What a stranger may say: it proves itself. */
const OPEN_KINDS: readonly Message["is"][] = ["records", "want-records", "head"];

const unauthorized = (message: string): Rejection => rejection(401, "UNAUTHORIZED", message);
const expired = unauthorized("message too old or from the future");
const misaddressed = badRequest("message for another endpoint");
const forged = unauthorized("message not signed by its sender");
const repeated = unauthorized("message taken before");
const malformed = badRequest("malformed message");

export class SignedDelivery {
  readonly #parts: DeliveryParts;
  /** By hash of what was signed: when it is too old anyway. */
  readonly #seen = new Map<string, number>();
  #strangerAtMs = 0;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  async open(sent: SignedMessage): Promise<Result<Message, Rejection>> {
    const { self, speaker, now } = this.#parts;
    if (Math.abs(sent.sentAtMs - now()) > MESSAGE_AGE_MS_MAX) return err(expired);
    if (sent.to !== self()) return err(misaddressed);
    const known = speaker(sent.from);
    if (known === null) return this.#ofStranger(sent.body);
    const refused = await this.#authenticate(sent, known);
    if (refused !== null) return err(refused);
    const message = decodeMessage(sent.body);
    return message.ok ? message : err(malformed);
  }

  /** As `open`, of a question without a body to this object: `to` begins with its endpoint. */
  async admits(question: SignedMessage): Promise<Result<null, Rejection>> {
    const { self, speaker, now } = this.#parts;
    const own = self();
    if (Math.abs(question.sentAtMs - now()) > MESSAGE_AGE_MS_MAX) return err(expired);
    if (own === null || !question.to.startsWith(`${own}/`)) return err(misaddressed);
    const known = speaker(question.from);
    const refused = known === null ? forged : await this.#authenticate(question, known);
    return refused === null ? ok(null) : err(refused);
  }

  #ofStranger(body: Uint8Array): Result<Message, Rejection> {
    const nowMs = this.#parts.now();
    if (Math.abs(nowMs - this.#strangerAtMs) < STRANGER_GAP_MS) return err(queueFull);
    this.#strangerAtMs = nowMs;
    const message = decodeMessage(body);
    if (!message.ok) return err(malformed);
    return OPEN_KINDS.includes(message.value.is) ? ok(message.value) : err(forged);
  }

  async #authenticate(sent: SignedMessage, { scheme, key }: Speaker): Promise<Rejection | null> {
    const history = this.#parts.history();
    if (history === null) return misaddressed;
    const { from, to, sentAtMs, signature, body } = sent;
    const bodyHash = new Uint8Array(await crypto.subtle.digest("SHA-256", body.slice()));
    const preimage = messagePreimage({ ...history, from, to, sentAtMs, bodyHash });
    if (!(await asyncVerify[scheme](key, preimage, signature))) return forged;
    // From here to the note in `#seen` nothing waits: two copies cannot both pass.
    const name = `${from} ${sentAtMs} ${toHex(bodyHash)}`;
    this.#forget();
    if (this.#seen.has(name)) return repeated;
    if (this.#seen.size >= SEEN_MAX) return queueFull;
    this.#seen.set(name, sentAtMs + MESSAGE_AGE_MS_MAX);
    return null;
  }

  /** Notes come about in the order of their ends, so the first that is not over ends the search. */
  #forget(): void {
    const nowMs = this.#parts.now();
    for (const [name, untilMs] of this.#seen) {
      if (untilMs >= nowMs && this.#seen.size < SEEN_MAX) break;
      if (untilMs < nowMs) this.#seen.delete(name);
    }
  }
}
