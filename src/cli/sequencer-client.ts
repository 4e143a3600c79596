/**
 * What the commands ask of a sequencer over HTTP. Its answers are untrusted: shapes are checked, sizes
 * are bounded, and a redirect is not followed, so that the token goes where it was meant to go.
 */

import { judgeUrl } from "../core/config/config.ts";
import { STATE_BYTES_MAX } from "../core/types/protocol.ts";
import { readBounded } from "./bounded.ts";
import { CommandFailure } from "./io.ts";

const TIMEOUT_MS = 30_000;
/** A whole state may take longer over a thin line. */
const STATE_TIMEOUT_MS = 300_000;
const JSON_BYTES_MAX = 64 * 1024;

export type Json = Readonly<Record<string, unknown>>;
export type JsonAnswer = { readonly status: number; readonly body: Json };
export type BytesAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

/** One question and what is to be known of its answer beside the body. */
export type Probe = {
  readonly status: number;
  /** Null when it is no JSON object. */
  readonly body: Json | null;
  /** Unix milliseconds, by this machine's clock. */
  readonly sentMs: number;
  /** From the question to the last byte of the answer. */
  readonly ms: number;
  /** `Date` of the answer in Unix milliseconds, to the second. */
  readonly dateMs: number | null;
};

/** Every method throws `CommandFailure` when there is no answer that can be understood. */
export class SequencerClient {
  /** Without a trailing slash. */
  readonly url: string;
  readonly #token: string | undefined;

  /** Throws `CommandFailure` for a URL that is none, or that would show the token to the network. */
  constructor(url: string, token: string | undefined) {
    const trust = judgeUrl(url);
    if (trust === null) throw new CommandFailure("the sequencer's URL is no http or https URL");
    if (trust === "open" && token !== undefined) {
      throw new CommandFailure("the operator's token is sent over https or to this machine only");
    }
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  get(path: string, bytesMax: number = JSON_BYTES_MAX): Promise<JsonAnswer> {
    return this.#json("GET", path, null, bytesMax);
  }

  postJson(path: string, text: string): Promise<JsonAnswer> {
    return this.#json("POST", path, text);
  }

  postBytes(path: string, bytes: Uint8Array): Promise<JsonAnswer> {
    return this.#json("POST", path, bytes);
  }

  /** Null when it cannot be reached. */
  async probe(path: string): Promise<Probe | null> {
    const [sentMs, startMs] = [Date.now(), performance.now()];
    try {
      const response = await this.#fetch("GET", path, null, TIMEOUT_MS);
      const bytes = await readWhole(response, JSON_BYTES_MAX);
      const date = Date.parse(response.headers.get("date") ?? "");
      return {
        status: response.status,
        body: parseObject(new TextDecoder().decode(bytes)),
        ...{ sentMs, ms: performance.now() - startMs },
        dateMs: Number.isNaN(date) ? null : date,
      };
    } catch (error) {
      if (error instanceof CommandFailure) return null;
      throw error;
    }
  }

  /** A state of at most 32 MiB, or the refusal's text. */
  async getState(path: string): Promise<BytesAnswer> {
    const response = await this.#fetch("GET", path, null, STATE_TIMEOUT_MS);
    const bytes = await readWhole(response, STATE_BYTES_MAX);
    return { status: response.status, headers: response.headers, bytes };
  }

  async #json(
    method: string,
    path: string,
    content: string | Uint8Array | null,
    bytesMax: number = JSON_BYTES_MAX,
  ): Promise<JsonAnswer> {
    const response = await this.#fetch(method, path, content, TIMEOUT_MS);
    const bytes = await readWhole(response, bytesMax);
    const body = parseObject(new TextDecoder().decode(bytes));
    if (body === null) {
      throw new CommandFailure(`${method} ${path}: status ${response.status} and no JSON`);
    }
    return { status: response.status, body };
  }

  async #fetch(
    method: string,
    path: string,
    content: string | Uint8Array | null,
    timeoutMs: number,
  ): Promise<Response> {
    const authorization =
      this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const type = typeof content === "string" ? "application/json" : "application/octet-stream";
    const contentType = content === null ? {} : { "content-type": type };
    try {
      return await fetch(`${this.url}${path}`, {
        method,
        headers: { ...authorization, ...contentType },
        body: content === null ? null : toBody(content),
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      // What fetch throws may repeat the request.
      throw new CommandFailure(`${method} ${path}: the sequencer cannot be reached`);
    }
  }
}

/** What a refusal says of itself, cut to a line. */
export function describeRefusal(path: string, { status, body }: JsonAnswer): string {
  const code = typeof body["code"] === "string" ? body["code"] : "?";
  const message = typeof body["message"] === "string" ? body["message"] : "?";
  // A refusal is short; whatever else it may be is not printed at length.
  return `${path}: ${status} ${code.slice(0, 40)} ${JSON.stringify(message.slice(0, 200))}`;
}

function toBody(content: string | Uint8Array): BodyInit {
  return typeof content === "string" ? content : new Blob([Uint8Array.from(content)]);
}

async function readWhole(response: Response, bytesMax: number): Promise<Uint8Array> {
  const bytes = await readBounded(response.body ?? new Blob([]).stream(), bytesMax).catch(() => {
    throw new CommandFailure("the sequencer's answer ended early");
  });
  if (bytes === null) throw new CommandFailure(`the sequencer's answer passes ${bytesMax} bytes`);
  return bytes;
}

/** Null unless the text is a JSON object. */
export function parseObject(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    // Not JSON: the caller says so.
    return null;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
