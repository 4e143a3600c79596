/**
 * How a committee's objects reach each other: by binding within a deployment, by signed HTTPS beyond it.
 *
 * Fire and forget: answers are messages of their own. Calls leave through the object's output gate, so
 * nothing is said before the writes that it rests on are durable. Never throws. To an endpoint that no
 * record lists, which anybody may have named, it speaks once a second at most.
 */

import { encodeMessage } from "../../consensus/message-bytes.ts";
import type { Message } from "../../consensus/messages.ts";
import type { Transport } from "../../consensus/transport.ts";
import { MESSAGE_BYTES_MAX } from "../../core/api/committee-api.ts";
import { type Place, parseEndpoint } from "../../core/config/committee.ts";
import { type MessageEnvelope, messagePreimage } from "../../core/consensus/message-preimage.ts";
import { assert } from "../../core/types/assert.ts";
import type { Address } from "../../core/types/hex.ts";
import { toHex } from "../../core/types/hex.ts";
import type { ObjectTime } from "./committee-clock.ts";
import { errorName, log } from "./log.ts";
import { Outbox, SEND_TIMEOUT_MS } from "./outbox.ts";
import type { CommitteePeer } from "./peer.ts";

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

/** Peers that are remembered: a record lists at most 80. */
const PEERS_MAX = 128;
const STRANGER_GAP_MS = 1_000;

type Receive = (from: string, message: Message) => void;

export class CommitteeTransport implements Transport {
  readonly #parts: TransportParts;
  readonly #outboxes = new Map<string, Outbox<Message>>();
  #receive: Receive | null = null;
  #strangerAtMs = 0;

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  readonly send = (to: string, message: Message): void => {
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

  /** Hands over what came for this object, from a sender that was authenticated where it must be. */
  deliver(from: string, message: Message): void {
    this.#receive?.(from, message);
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

  /** One stub keeps the order of its calls; after an error it may be broken, so the next is new. */
  #byBinding(to: string, place: Place): (message: Message) => Promise<void> {
    let stub: CommitteePeer | null = null;
    return async (message) => {
      const self = this.#parts.self();
      const body = encoded(message);
      if (self === null || body === null) return;
      stub ??= this.#parts.peer(place);
      try {
        await stub.deliver(self, to, body);
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
      const body = encoded(message)?.slice() ?? null;
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
