/**
 * One request, one answer, or a `BatonError` that says what went wrong.
 *
 * Answers are untrusted: sizes are bounded, shapes are checked by whoever asks, and a redirect is not
 * followed, so that a token goes where it was meant to go. No error repeats a URL or what was sent.
 */

import type { ErrorCode } from "../core/api/rejection.ts";
import { BatonError } from "./errors.ts";
import { type Json, parseJson } from "./json.ts";
import { readBytes } from "./read-bytes.ts";
import { DEFAULT_RETRY, type RetryPolicy, retrying } from "./retry.ts";
import type { Network } from "./transport.ts";

const TIMEOUT_MS = 20_000;
/** A whole state may take longer over a thin line. */
const BYTES_TIMEOUT_MS = 300_000;
/** The largest answer is a receipt, of at most 4 Mi characters, with a little around it. */
const JSON_BYTES_MAX = 5 * 1024 * 1024;
/** Of a refusal's text that is shown. */
const MESSAGE_CHARS_MAX = 300;

export type Ask = {
  /** JSON text for a `POST`; a `GET` without it. */
  readonly body?: string;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Which status is an answer; 2xx when not given. Every other one is thrown. */
  readonly isAnswer?: (status: number) => boolean;
};

type Bounds = { readonly bytesMax: number; readonly timeoutMs: number };

export type BytesAnswer = {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
};

export class Http {
  readonly url: string;
  readonly network: Network;
  readonly #retry: RetryPolicy;

  constructor(url: string, network: Network, retry: Partial<RetryPolicy> = {}) {
    this.url = url;
    this.network = network;
    this.#retry = { ...DEFAULT_RETRY, ...retry };
  }

  /** The answer to a question that changes nothing, or nothing more when it is asked again. */
  json(path: string, ask: Ask = {}): Promise<Json> {
    return retrying(() => this.jsonOnce(path, ask), this.#retry, ask.signal);
  }

  /** For whoever knows better when to ask again. */
  async jsonOnce(path: string, ask: Ask = {}): Promise<Json> {
    const bounds = { bytesMax: JSON_BYTES_MAX, timeoutMs: TIMEOUT_MS };
    const { bytes, status, headers } = await this.#ask(path, ask, bounds);
    const body = parseJson(bytes);
    if (body === null) {
      throw new BatonError("BAD_ANSWER", "the answer is not a JSON object", { status });
    }
    // Also with a status that may be an answer's: health and a Worker without configuration both say 503.
    if (body["ok"] === false) throw refusalOf(status, headers, body);
    return body;
  }

  bytes(path: string, bytesMax: number, ask: Ask = {}): Promise<BytesAnswer> {
    const bounds = { bytesMax, timeoutMs: BYTES_TIMEOUT_MS };
    return retrying(() => this.#ask(path, ask, bounds), this.#retry, ask.signal);
  }

  async #ask(path: string, ask: Ask, bounds: Bounds): Promise<BytesAnswer> {
    const response = await this.#fetch(path, ask, bounds.timeoutMs);
    const { status, headers } = response;
    const bytes = await read(response, bounds.bytesMax, ask);
    const isAnswer = ask.isAnswer ?? isSuccess;
    if (isAnswer(status)) return { status, headers, bytes };
    throw refusalOf(status, headers, parseJson(bytes));
  }

  async #fetch(path: string, ask: Ask, timeoutMs: number): Promise<Response> {
    const { body, token, signal } = ask;
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(timeoutMs);
    const headers: Record<string, string> = {};
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    try {
      return await this.network.fetch(`${this.url}${path}`, {
        ...(body === undefined ? { method: "GET" } : { method: "POST", body }),
        headers,
        redirect: "manual",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
    } catch {
      // What fetch throws may repeat the request.
      throw unreachable(signal);
    }
  }
}

async function read(response: Response, bytesMax: number, { signal }: Ask): Promise<Uint8Array> {
  let bytes: Uint8Array | null;
  try {
    bytes = await readBytes(response, bytesMax);
  } catch {
    // The connection ended in the middle of the answer, or the caller's signal ended it.
    throw unreachable(signal);
  }
  if (bytes !== null) return bytes;
  throw new BatonError("BAD_ANSWER", `the answer has more than ${bytesMax} bytes`);
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** Throws the signal's reason where that is why. */
function unreachable(signal: AbortSignal | undefined): BatonError {
  signal?.throwIfAborted();
  return new BatonError("UNREACHABLE", "the sequencer cannot be reached");
}

/** `{ok:false, code, message}` (I6); what answers without it is no sequencer, or stands before one. */
function refusalOf(status: number, headers: Headers, body: Json | null): BatonError {
  const retryAfter = headers.get("retry-after") ?? "";
  const retryAfterS = /^[0-9]{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
  const [code, message] = [body?.["code"], body?.["message"]];
  if (!isCode(code) || typeof message !== "string") {
    const said = `status ${status} and no reason`;
    return new BatonError("BAD_ANSWER", said, { status, retryAfterS });
  }
  return new BatonError(code, message.slice(0, MESSAGE_CHARS_MAX), { status, retryAfterS });
}

/** By its form: codes are added, and those of a newer sequencer are passed on as they are. */
function isCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && /^[A-Z_]{1,40}$/.test(code);
}
