/** What a replica starts from: the sequencer's newest snapshot, or nothing at all. */

import type { Application, ApplicationState } from "../core/application/application.ts";
import { STATE_BYTES_MAX } from "../core/types/protocol.ts";
import { badAnswer } from "./bodies.ts";
import { BatonError } from "./errors.ts";
import type { Http } from "./http.ts";

export type Start = {
  readonly state: ApplicationState;
  /** The feed goes on behind it; 0 at genesis. */
  readonly offset: number;
};

/** The text by which a sequencer without a snapshot is told from a server without the route. */
const NO_SNAPSHOT = "no snapshot";

export class StartSource<Config = unknown> {
  readonly #http: Http;
  readonly #application: Application<Config>;
  readonly #config: Config;
  readonly #token: string | undefined;

  /** `token` is the operator's; without it every replica starts at genesis. */
  constructor(
    http: Http,
    application: Application<Config>,
    config: Config,
    token: string | undefined,
  ) {
    this.#http = http;
    this.#application = application;
    this.#config = config;
    this.#token = token;
  }

  async load(signal: AbortSignal | undefined): Promise<Start> {
    const snapshot = this.#token === undefined ? null : await this.#snapshot(this.#token, signal);
    return snapshot ?? { state: this.#application.genesis(this.#config), offset: 0 };
  }

  /** Throws `BAD_ANSWER` when the bytes are no state of the application. */
  restore(bytes: Uint8Array): ApplicationState {
    const restored = this.#application.restore(this.#config, bytes);
    if (restored.ok) return restored.value;
    throw badAnswer(`a state of ${this.#application.name}`);
  }

  /** Null while the sequencer has none. */
  async #snapshot(token: string, signal: AbortSignal | undefined): Promise<Start | null> {
    try {
      const ask = { token, signal };
      const { bytes, headers } = await this.#http.bytes("/latest_snapshot", STATE_BYTES_MAX, ask);
      const index = headers.get("x-l2-tx-index") ?? "";
      if (!/^[0-9]{1,15}$/.test(index)) throw badAnswer("a snapshot");
      return { state: this.restore(bytes), offset: Number(index) };
    } catch (error) {
      if (error instanceof BatonError && error.message === NO_SNAPSHOT) return null;
      throw error;
    }
  }
}
