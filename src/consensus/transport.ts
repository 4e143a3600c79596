/** How messages get from one endpoint to another, and the transport within one process. */

import type { Message } from "./messages.ts";

/**
 * Best effort: messages may be lost, doubled and overtaken, and the parties send again. `from` is
 * authenticated: who speaks for an endpoint is the endpoint.
 */
export type Transport = {
  readonly send: (to: string, message: Message) => void;
  /** Hears what is sent to the own endpoint, until the answer is called. */
  readonly listen: (receive: (from: string, message: Message) => void) => () => void;
};

type Receive = (from: string, message: Message) => void;

/** Endpoints of one process: messages arrive in later turns, in the order in which they were sent. */
export class InProcessNetwork {
  readonly #receivers = new Map<string, Receive>();

  endpoint(name: string): Transport {
    return {
      send: (to, message) => {
        queueMicrotask(() => this.#receivers.get(to)?.(name, message));
      },
      listen: (receive) => {
        this.#receivers.set(name, receive);
        return () => {
          if (this.#receivers.get(name) === receive) this.#receivers.delete(name);
        };
      },
    };
  }
}
