/**
 * The smallest HTTP/1.1 client that a closed loop needs: one keep-alive socket, one request at a time.
 *
 * The load generator shares two cores with the server, so what it spends is taken from the result.
 * Not a general client: it knows `Content-Length` and chunked answers, and nothing else.
 */

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

type HttpAnswer = { readonly status: number; readonly body: string };

type Waiting = { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void };

export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #buffer = "";
  #waiting: Waiting | null = null;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text) => this.#onData(String(text)));
    socket.on("error", (error) => this.#waiting?.reject(error));
    socket.on("close", () => this.#waiting?.reject(new Error("connection closed")));
  }

  static open(url: string): Promise<HttpConnection> {
    const { protocol, hostname, port, host } = new URL(url);
    const isSecure = protocol === "https:";
    const at = {
      host: hostname.replace(/[[\]]/g, ""),
      port: Number(port || (isSecure ? 443 : 80)),
    };
    return new Promise((resolve, reject) => {
      // An address is no server name: its certificate lists it.
      const name = isIP(at.host) === 0 ? { servername: at.host } : {};
      const socket = isSecure ? connectTls({ ...at, ...name }) : connect(at);
      socket.once("error", reject);
      socket.once(isSecure ? "secureConnect" : "connect", () => {
        socket.off("error", reject);
        resolve(new HttpConnection(socket, host));
      });
    });
  }

  /** Posts an op and resolves with whether it was accepted. */
  async submit(body: string): Promise<boolean> {
    const request =
      `POST /tx HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`;
    const answer = await this.#send(request);
    return answer.status === 200;
  }

  #send(request: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(request, "latin1");
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #onData(text: string): void {
    this.#buffer += text;
    const answer = parseAnswer(this.#buffer);
    if (answer === null) return;
    this.#buffer = "";
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(answer);
  }
}

function parseAnswer(text: string): HttpAnswer | null {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const head = text.slice(0, end);
  const status = Number(head.slice(9, 12));
  const body = text.slice(end + 4);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) {
    return body.length < Number(length) ? null : { status, body: body.slice(0, Number(length)) };
  }
  // Chunked: the last chunk ends the answer. Bodies here are one short line.
  if (!body.endsWith("0\r\n\r\n")) return null;
  const lines = body.split("\r\n");
  return { status, body: lines.filter((_, i) => i % 2 === 1).join("") };
}
