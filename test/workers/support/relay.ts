/**
 * A relay's feed on a real object's storage and sockets, following a feed on paper.
 *
 * The object that owns the storage was never named, so it does nothing by itself. A second feed on the same
 * storage is a wake-up: the first one's timers and questions end with it.
 */

import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { SubscribeQuery } from "../../../src/core/api/query.ts";
import type { FeedQuery } from "../../../src/core/api/sequencer-api.ts";
import { unixMs } from "../../../src/core/types/units.ts";
import { RELAY_LIMITS, type RelayLimits } from "../../../src/durable-objects/relay/limits.ts";
import { RelayFeed } from "../../../src/durable-objects/relay/relay-feed.ts";
import { PLATFORM } from "../../../src/durable-objects/sequencer/runtime.ts";
import { PaperFeed } from "./paper-feed.ts";
import { type Reader, read } from "./reader.ts";

export type RelayRig = {
  readonly upstream: PaperFeed;
  readonly state: DurableObjectState;
  feed: RelayFeed;
  /** Added to the clock. */
  laterMs: number;
  subscribe(query?: Partial<SubscribeQuery>): Promise<Reader>;
  refusal(query?: Partial<SubscribeQuery>): Promise<unknown>;
  page(query?: Partial<FeedQuery>): ReturnType<RelayFeed["page"]>;
  /** The server's end of a reader's socket, given in the order of subscribing. */
  serverEnd(reader: Reader): WebSocket;
  ack(reader: Reader): void;
  /** The next wake-up; sockets hibernated. */
  wake(): Promise<void>;
};

/** What a relay that died is answered. */
const NEVER: Promise<never> = new Promise(() => undefined);

let names = 0;

export function withRelay(
  test: (rig: RelayRig) => Promise<void>,
  limits: Partial<RelayLimits> = {},
): Promise<void> {
  // A timeout that nobody needs any more keeps an object busy.
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  names += 1;
  const object = env.RELAY.get(env.RELAY.idFromName(`rig ${names}`));
  return runInDurableObject(object, async (_object, state) => {
    const rig = createRig(state, { ...RELAY_LIMITS, ...limits });
    await test(rig);
    rig.end();
  });
}

function createRig(state: DurableObjectState, limits: RelayLimits): RelayRig & { end: () => void } {
  const upstream = new PaperFeed();
  const ends = new Map<Reader, WebSocket>();
  let end: () => void = () => undefined;
  const create = (): RelayFeed => {
    let isAwake = true;
    const alive = async <T>(answer: Promise<T>): Promise<T> => {
      const told = await answer;
      return isAwake ? told : NEVER;
    };
    end();
    end = () => {
      isAwake = false;
      upstream.kill();
    };
    return new RelayFeed({
      ctx: state,
      limits,
      random: () => 0.01,
      now: () => unixMs(Date.now() + rig.laterMs),
      later: (run, delayMs) => PLATFORM.later(() => isAwake && run(), delayMs),
      connect: () =>
        alive(Promise.resolve().then(upstream.source)).then((source) => ({
          feedPage: (asked) => alive(source.feedPage(asked)),
          subscribe: async (asked) => {
            const answer = await alive(source.subscribe(asked));
            if (answer.ok) muffle(answer.value, () => isAwake);
            return answer;
          },
        })),
    });
  };
  const query = { fromOffset: 0, era: null, isBatched: false };
  const rig = {
    upstream,
    state,
    laterMs: 0,
    subscribe: async (other = {}) => {
      const before = new Set(state.getWebSockets());
      const answer = await rig.feed.subscribe({ ...query, ...other });
      if (!answer.ok) return expect.unreachable(answer.error.message);
      const reader = read(answer.value);
      const [server] = state.getWebSockets().filter((socket) => !before.has(socket));
      if (server !== undefined) ends.set(reader, server);
      return reader;
    },
    refusal: async (other = {}) => {
      const answer = await rig.feed.subscribe({ ...query, ...other });
      return answer.ok ? null : [answer.error.status, answer.error.code];
    },
    page: (other = {}) => rig.feed.page({ fromOffset: 0, limit: 256, era: null, ...other }),
    serverEnd: (reader: Reader) => ends.get(reader) ?? expect.unreachable("it subscribed"),
    ack: (reader: Reader) => rig.feed.onMessage(rig.serverEnd(reader), "{}"),
    wake: async () => {
      end();
      // What it had begun in this turn it finishes, and nothing after that.
      await scheduler.wait(1);
      rig.feed = create();
      rig.feed.resume();
    },
    end: () => end(),
  } as RelayRig & { end: () => void };
  rig.feed = create();
  return rig;
}

/** Whoever listens to it hears nothing any more when `isAwake` says no. */
function muffle(socket: WebSocket, isAwake: () => boolean): void {
  const listen = socket.addEventListener.bind(socket);
  socket.addEventListener = (type: string, handler: unknown) => {
    listen(type as "message", (event) => {
      if (isAwake() && typeof handler === "function") handler(event);
    });
  };
}

/** Polls until it holds; fails the test when that takes more than ten seconds. */
export async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  const startedAtMs = Date.now();
  while (!(await isDone())) {
    expect(Date.now() - startedAtMs).toBeLessThan(10_000);
    await scheduler.wait(5);
  }
}
