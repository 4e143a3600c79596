/**
 * How a committee's objects reach each other: by binding within a deployment, by signed HTTPS beyond it.
 *
 * Fire and forget: answers are messages of their own, but for an ack, which rides on the answer to the call
 * that asks for it. It proves itself, so it needs no envelope, and a round costs a leader no call but its own.
 * Calls and their answers leave through the object's output gate, so nothing is said before the writes that
 * it rests on are durable. Never throws. To an endpoint that no record lists, which anybody may have named,
 * it speaks once a second at most.
 */

import { decodeMessage, encodeMessage } from "../../consensus/message-bytes.ts";
import type { Message } from "../../consensus/messages.ts";
import type { Transport } from "../../consensus/transport.ts";
import { MESSAGE_BYTES_MAX } from "../../core/api/committee-api.ts";
import { type Place, parseEndpoint } from "../../core/config/committee.ts";
import { type MessageEnvelope, messagePreimage } from "../../core/consensus/message-preimage.ts";
import { assert } from "../../core/types/assert.ts";
import type { Address } from "../../core/types/hex.ts";
import { fromHex, toHex } from "../../core/types/hex.ts";
import type { ObjectTime } from "./committee-clock.ts";
import { errorName, log } from "./log.ts";
import { Outbox, SEND_TIMEOUT_MS } from "./outbox.ts";
import type { CommitteePeer } from "./peer.ts";
import { within } from "./within.ts";

/** Whose messages these are: what every signature of one binds. */
export type History = {
  readonly chainId: number;
  readonly app: Address;
  readonly era: Uint8Array;
};

export type TransportParts = ObjectTime & {
  /** The own endpoint, as the newest record names it; null: nothing can be said yet. */
  readonly self: () => string | null;
  /** Whether the newest record lists this endpoint. */
  readonly isListed: (endpoint: string) => boolean;
  readonly history: () => History | null;
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
  /** A stub of an object of this deployment. */
  readonly peer: (place: Place) => CommitteePeer;
};

/** Headers of a message between deployments. */
export const MESSAGE_HEADERS = {
  from: "x-baton-sender",
  to: "x-baton-receiver",
  sentAtMs: "x-baton-sent-at",
  signature: "x-baton-signature",
} as const;

/** Of an answer: the ack that was asked for, as the bytes of its message in hex. */
export const ACK_HEADER = "x-baton-ack";
const ACK_HEX = /^0x(?:[0-9a-f]{2}){1,512}$/;
/** So long an answer waits for its ack, which else is a message of its own. Less than what a sender waits. */
const ACK_WAIT_MS = 2_000;

/** Peers that are remembered: a record lists at most 80. */
const PEERS_MAX = 128;
const STRANGER_GAP_MS = 1_000;

type Receive = (from: string, message: Message) => void;
type Ack = Uint8Array | null;

export class CommitteeTransport implements Transport {
  readonly #parts: TransportParts;
  readonly #outboxes = new Map<string, Outbox<Message>>();
  /** Those whose call waits for an ack: candidates of the record, for nobody else may propose. */
  readonly #askers = new Map<string, (ack: Ack) => void>();
  /** What was encoded last: a page goes to every member that keeps pace. */
  #encoded: { readonly message: Message; readonly bytes: Uint8Array | null } | null = null;
  #receive: Receive | null = null;
  #strangerAtMs = 0;

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  readonly send = (to: string, message: Message): void => {
    if (this.#rides(to, message)) return;
    const place = parseEndpoint(to);
    if (place === null || !this.#maySpeakTo(to, place)) return;
    this.#outbox(to, place).push(message, weightOf(message));
  };

  readonly listen = (receive: Receive): (() => void) => {
    this.#receive = receive;
    return () => {
      if (this.#receive === receive) this.#receive = null;
    };
  };

  /**
   * Hands over what came for this object, from a sender that was authenticated where it must be. Resolves with
   * the bytes of the ack that was asked for; null where there is none in time, and at once where none was.
   */
  async deliver(from: string, message: Message): Promise<Uint8Array | null> {
    const receive = this.#receive;
    if (receive === null || message.is !== "propose" || message.target === null) {
      receive?.(from, message);
      return null;
    }
    // A page that is sent again takes the place of the first: one call of each asker waits.
    this.#release(from, null);
    const acked = new Promise<Ack>((resolve) => this.#askers.set(from, resolve));
    const release = this.#askers.get(from);
    receive(from, message);
    const ack = await within(acked, ACK_WAIT_MS, this.#parts.later);
    // An ack of the very turn in which the wait ends is lost, which a message may be, and asked for again.
    if (this.#askers.get(from) === release) this.#askers.delete(from);
    return ack;
  }

  /** Whoever is told something else need not wait: no ack comes of what it sent, or comes later. */
  #rides(to: string, message: Message): boolean {
    if (!this.#askers.has(to)) return false;
    const ack = message.is === "ack" ? encoded(message) : null;
    this.#release(to, ack);
    return ack !== null;
  }

  #release(asker: string, ack: Ack): void {
    this.#askers.get(asker)?.(ack);
    this.#askers.delete(asker);
  }

  /** Nobody signed the answer: of what it brings only an ack is believed, whose signature is verified. */
  #takeAck(from: string, bytes: Uint8Array): void {
    const message = decodeMessage(bytes);
    if (message.ok && message.value.is === "ack") this.#receive?.(from, message.value);
  }

  #maySpeakTo(to: string, place: Place): boolean {
    if (place.at === "object" || this.#parts.isListed(to)) return true;
    const nowMs = this.#parts.now();
    if (!to.startsWith("https:") || Math.abs(nowMs - this.#strangerAtMs) < STRANGER_GAP_MS) {
      return false;
    }
    this.#strangerAtMs = nowMs;
    return true;
  }

  #outbox(to: string, place: Place): Outbox<Message> {
    const known = this.#outboxes.get(to);
    if (known !== undefined) return known;
    const send = place.at === "object" ? this.#byBinding(to, place) : this.#overHttps(to);
    const outbox = new Outbox(
      send,
      (isReachable) => log("info", "peer", { endpoint: to, isReachable }),
      this.#parts.later,
    );
    if (this.#outboxes.size >= PEERS_MAX) this.#outboxes.clear();
    this.#outboxes.set(to, outbox);
    return outbox;
  }

  #bytesOf(message: Message): Uint8Array | null {
    const last = this.#encoded;
    if (last !== null && isSame(last.message, message)) return last.bytes;
    const bytes = encoded(message);
    this.#encoded = message.is === "propose" ? { message, bytes } : null;
    return bytes;
  }

  /** One stub keeps the order of its calls; after an error it may be broken, so the next is new. */
  #byBinding(to: string, place: Place): (message: Message) => Promise<void> {
    let stub: CommitteePeer | null = null;
    return async (message) => {
      const self = this.#parts.self();
      const body = this.#bytesOf(message);
      if (self === null || body === null) return;
      stub ??= this.#parts.peer(place);
      try {
        const ack = await stub.deliver(self, to, body);
        if (ack !== null) this.#takeAck(to, ack);
      } catch (error) {
        stub = null;
        throw error;
      }
    };
  }

  #overHttps(to: string): (message: Message) => Promise<void> {
    return async (message) => {
      const { self, history, now, sign } = this.#parts;
      const [from, of] = [self(), history()];
      if (from === null || of === null) return;
      const body = this.#bytesOf(message)?.slice() ?? null;
      if (body === null) return;
      const response = await fetch(to, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/octet-stream",
          ...(await signedHeaders(sign, { ...of, from, to, sentAtMs: now() }, body)),
        },
        redirect: "manual",
        signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
      });
      await response.body?.cancel();
      assert(response.status === 202, "a message is taken");
      const ack = response.headers.get(ACK_HEADER) ?? "";
      if (ACK_HEX.test(ack)) this.#takeAck(to, fromHex(ack));
    };
  }
}

/** The headers that make a request a message of `from`. */
export async function signedHeaders(
  sign: TransportParts["sign"],
  envelope: Omit<MessageEnvelope, "bodyHash">,
  body: Uint8Array<ArrayBuffer>,
): Promise<Record<string, string>> {
  const { from, to, sentAtMs } = envelope;
  const bodyHash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const signature = await sign(messagePreimage({ ...envelope, bodyHash }));
  return {
    [MESSAGE_HEADERS.from]: from,
    [MESSAGE_HEADERS.to]: to,
    [MESSAGE_HEADERS.sentAtMs]: String(sentAtMs),
    [MESSAGE_HEADERS.signature]: toHex(signature),
  };
}

function isSame(a: Message, b: Message): boolean {
  if (a.is !== "propose" || b.is !== "propose") return false;
  const { epoch, recordHash, target, feed } = a;
  return feed === b.feed && target === b.target && epoch === b.epoch && recordHash === b.recordHash;
}

/** Null when it is none that anybody takes, which is a bug of its maker. */
function encoded(message: Message): Uint8Array | null {
  try {
    const bytes = encodeMessage(message);
    if (bytes.length <= MESSAGE_BYTES_MAX) return bytes;
    log("error", "message-too-large", { kind: message.is, bytes: bytes.length });
  } catch (error) {
    log("error", "message-unfit", { kind: message.is, error: errorName(error) });
  }
  return null;
}

/** Bytes that a message keeps in memory, about. */
function weightOf(message: Message): number {
  const chunks = "feed" in message ? message.feed.chunks : [];
  const more = message.is === "chunks" ? message.chunks : [];
  return [...chunks, ...more].reduce((sum, { payload }) => sum + payload.length, 1_024);
}
