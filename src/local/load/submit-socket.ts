/**
 * A client of the submit channel: many ops on one WebSocket, answers in the order of the ops (I9).
 *
 * When the channel asks for a new connection, what got no answer is sent again there; an op that was
 * included meanwhile gets its original answer (I4).
 */

import { WebSocket } from "ws";

/** The close code with which a channel says that it wants a new connection. */
const CONNECT_AGAIN = 1012;

type Waiting = {
  readonly body: string;
  readonly resolve: (isAccepted: boolean) => void;
  readonly reject: (error: Error) => void;
};

export class SubmitSocket {
  readonly #url: string;
  #socket: WebSocket;
  #waiting: Waiting[] = [];

  private constructor(url: string, socket: WebSocket) {
    this.#url = url;
    this.#socket = socket;
    this.#listen(socket);
  }

  static async open(url: string): Promise<SubmitSocket> {
    return new SubmitSocket(url, await connected(url));
  }

  submit(body: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ body, resolve, reject });
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(body);
    });
  }

  close(): void {
    this.#socket.removeAllListeners();
    this.#socket.terminate();
  }

  #listen(socket: WebSocket): void {
    socket.on("message", (data) => {
      const text = Buffer.isBuffer(data) ? data.toString() : "";
      this.#waiting.shift()?.resolve(text.startsWith('{"ok":true'));
    });
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", (code) => {
      if (code === CONNECT_AGAIN) void this.#connectAgain();
      else this.#fail(new Error(`the channel closed with ${code}`));
    });
  }

  async #connectAgain(): Promise<void> {
    try {
      this.#socket = await connected(this.#url);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error("no connection"));
      return;
    }
    this.#listen(this.#socket);
    for (const { body } of this.#waiting) this.#socket.send(body);
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}

function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws/submit`);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("open", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
