/**
 * `GET /ws/submit`: many submissions on one connection (I9).
 *
 * Each message is the body of a `POST /tx` and gets one message back, the body of its answer, in the
 * order of the messages. What arrives while a call to the object is under way shares the next call,
 * so a connection with many ops costs one call for many. The Worker keeps nothing that a lost
 * connection could lose: whoever got no answer submits again (I4).
 */

import { Hono } from "hono";
import { refusal } from "../../core/api/refusal.ts";
import {
  badRequest,
  payloadTooLarge,
  type Rejection,
  unavailable,
} from "../../core/api/rejection.ts";
import { formatConfirmation } from "../../core/api/responses.ts";
import type { SignedUserOp, SoftConfirmation } from "../../core/api/sequencer-api.ts";
import { invalidJson } from "../../core/api/tx-request.ts";
import { must } from "../../core/types/assert.ts";
import {
  BODY_BYTES_MAX,
  CHUNK_OPS_MAX,
  SUBMIT_CALLS_MAX,
  SUBMIT_MESSAGES_MAX,
  SUBMIT_UNANSWERED_MAX,
} from "../../core/types/protocol.ts";
import { err, type Result } from "../../core/types/result.ts";
import { type FindLeader, submitToLeader } from "../../durable-objects/shared/submit-to-leader.ts";
import type { Deployment } from "../config.ts";
import { refuse, refuseMethod } from "../errors.ts";
import { requestIdOf } from "../request-id.ts";
import type { Site } from "../site.ts";
import { readSubmission } from "../submission.ts";

export const submit = new Hono<Site>()
  .get("/ws/submit", (c) => {
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return refuse(badRequest("expected a WebSocket upgrade"));
    }
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const { deployment, leader } = c.var;
    const requestId = requestIdOf(c.req.raw);
    new SubmitChannel(server, { deployment, leader, requestId }).listen();
    return new Response(null, { status: 101, webSocket: client });
  })
  .all("/ws/submit", () => refuseMethod("GET"));

/** With 1012: what got no answer is to be sent again on a new connection. */
const CONNECT_AGAIN = "connect again";

type Waiting = { readonly op: SignedUserOp; readonly answer: (text: string) => void };

class SubmitChannel {
  readonly #socket: WebSocket;
  readonly #deployment: Deployment;
  readonly #leader: FindLeader;
  readonly #requestId: string;
  /** Answers of the messages not yet answered, oldest first; null while it is not known. */
  readonly #answers: { text: string | null }[] = [];
  #waiting: Waiting[] = [];
  #messages = 0;
  #calls = 0;
  #isCalling = false;
  #isClosed = false;

  constructor(
    socket: WebSocket,
    options: {
      readonly deployment: Deployment;
      readonly leader: FindLeader;
      /** Of the request that opened the connection. */
      readonly requestId: string;
    },
  ) {
    this.#socket = socket;
    this.#deployment = options.deployment;
    this.#leader = options.leader;
    this.#requestId = options.requestId;
  }

  listen(): void {
    this.#socket.addEventListener("message", (event) => this.#onMessage(event.data));
    this.#socket.addEventListener("close", () => this.#close(1000, ""));
    this.#socket.addEventListener("error", () => this.#close(1011, "error"));
  }

  #onMessage(data: unknown): void {
    if (this.#isClosed) return;
    // A client that does not read its answers would otherwise fill the memory with them: no socket
    // tells how many of them still wait.
    if (++this.#messages > SUBMIT_MESSAGES_MAX) {
      this.#close(1012, CONNECT_AGAIN);
      return;
    }
    // And one that sends faster than its ops are decided, with its own messages.
    if (this.#answers.length >= SUBMIT_UNANSWERED_MAX) {
      this.#close(1008, "too many unanswered submissions");
      return;
    }
    const slot: { text: string | null } = { text: null };
    this.#answers.push(slot);
    const answer = (text: string) => {
      slot.text = text;
    };
    const op = readMessage(data, this.#deployment);
    if (op.ok) {
      this.#waiting.push({ op: { ...op.value, requestId: this.#requestId }, answer });
      void this.#call();
    } else {
      answer(refusal(op.error).body);
      this.#sendAnswered();
    }
  }

  /** One call at a time, so that the ops of a connection reach the object in their order. */
  async #call(): Promise<void> {
    if (this.#isCalling) return;
    this.#isCalling = true;
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const group = this.#waiting.splice(0, CHUNK_OPS_MAX);
      const bodies = await this.#answersOf(group);
      for (const [i, { answer }] of group.entries()) {
        answer(must(bodies[i], "every op of a group has an answer"));
      }
      this.#sendAnswered();
      if (++this.#calls >= SUBMIT_CALLS_MAX) this.#close(1012, CONNECT_AGAIN);
    }
    this.#isCalling = false;
  }

  async #answersOf(group: readonly Waiting[]): Promise<readonly string[]> {
    const ops = group.map(({ op }) => op);
    const outcomes = await submitToLeader(this.#leader, ops);
    if (outcomes === null) return this.#leaderMoved(group.length);
    return ops.map((op, i) => formatOutcome(op, must(outcomes[i], "one outcome per op")));
  }

  /** Another deployment leads now: a new connection is passed on to it. */
  #leaderMoved(count: number): readonly string[] {
    this.#close(1012, CONNECT_AGAIN);
    return Array.from({ length: count }, () => refusal(unavailable("following")).body);
  }

  #sendAnswered(): void {
    if (this.#isClosed) return;
    for (let head = this.#answers[0]; head?.text != null; head = this.#answers[0]) {
      this.#socket.send(head.text);
      this.#answers.shift();
    }
  }

  #close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    this.#answers.length = 0;
    this.#socket.close(code, reason);
  }
}

function formatOutcome(op: SignedUserOp, outcome: Result<SoftConfirmation, Rejection>): string {
  return outcome.ok ? formatConfirmation(op, outcome.value) : refusal(outcome.error).body;
}

/** Rows 1 and 3 to 14 of P§4.1; a message has no content type. */
function readMessage(data: unknown, deployment: Deployment): Result<SignedUserOp, Rejection> {
  if (typeof data !== "string") return err(invalidJson);
  if (isLongerThan(data, BODY_BYTES_MAX)) return err(payloadTooLarge);
  return readSubmission(data, deployment);
}

const utf8 = new TextEncoder();

/** Whether the text has more bytes than `bytesMax`; only one that may have is encoded. */
function isLongerThan(text: string, bytesMax: number): boolean {
  if (text.length > bytesMax) return true;
  return text.length * 3 > bytesMax && utf8.encode(text).length > bytesMax;
}
