/** Where a relay gets the feed: an object, or another deployment's Worker over HTTP. */

import { env, exports } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { objectSource, urlSource } from "../../src/durable-objects/relay/source.ts";
import { FORWARDED_HEADERS, isPassedOn } from "../../src/worker/leader.ts";
import { accepted } from "../support/config.ts";
import { startChain } from "./support/chain.ts";
import { user } from "./support/history.ts";
import { tickUntil } from "./support/serving.ts";

const BASE = "https://other.test";

test("[X3] over HTTP it is the same as from the object: pages, refusals, sockets", async () => {
  vi.spyOn(AbortSignal, "timeout").mockImplementation(() => new AbortController().signal);
  const chain = await startChain();
  await chain.deposit(user(0), 10n ** 15n);
  await chain.mine(2);
  Object.assign(env, chain.vars, { SEQ_RELAYS: "off" });
  const object = env.SEQUENCER.getByName(chain.rollups.app.toLowerCase());
  await tickUntil(object, async () => (await object.health()).mode === "serving");
  // The network between two deployments.
  const asked: Request[] = [];
  const network = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    const request = new Request(input, init);
    // The object's own calls to L1 go where they went.
    if (!request.url.startsWith(BASE)) return network(request);
    asked.push(request);
    return exports.default.fetch(request);
  });
  const [direct, remote] = [objectSource(object), urlSource(BASE, FORWARDED_HEADERS)];
  const own = await direct.feedPage({ fromOffset: 0, limit: 10, era: null });
  const era = own.ok ? own.value.era : expect.unreachable(own.error.message);
  for (const [fromOffset, limit] of [
    [0, 10],
    [0, 1],
    [1, 10],
    [2, 10],
  ] as const) {
    const query = { fromOffset, limit, era };
    expect(await remote.feedPage(query)).toEqual(await direct.feedPage(query));
  }
  const otherEra = "00000000-0000-4000-8000-000000000000";
  for (const source of [direct, remote]) {
    const query = { fromOffset: 0, era, isBatched: true, wantsCertificates: true } as const;
    const refused = await source.subscribe({ ...query, era: otherEra });
    expect(refused).toMatchObject({ ok: false, error: { status: 409, code: "ERA_CHANGED" } });
    const ahead = await source.subscribe({ ...query, fromOffset: 99 });
    expect(ahead).toMatchObject({ ok: false, error: { code: "AHEAD_OF_HEAD" } });
    const page = await source.feedPage({ fromOffset: 99, limit: 1, era });
    expect(page).toMatchObject({ ok: false, error: { code: "AHEAD_OF_HEAD" } });
    const socket = await source.subscribe(query);
    if (!socket.ok) return expect.unreachable(socket.error.message);
    const first = new Promise<unknown>((resolve) => {
      socket.value.addEventListener("message", ({ data }) => resolve(data));
    });
    socket.value.accept();
    expect(await first).toMatch(/^\[\{"kind":"direct_input","offset":1,/);
    socket.value.close(1000);
  }
  expect(asked.every((request) => request.headers.has("x-baton-forwarded"))).toBe(true);
});

test("[X3] a request that a relay makes is passed on no further; a reader's is served here", () => {
  const { relays } = accepted({});
  const config = { ...accepted({}), relays };
  const off = { ...config, relays: { ...relays, mode: "off" as const } };
  const reader = new Request(BASE);
  const relay = new Request(BASE, { headers: FORWARDED_HEADERS });
  for (const path of ["/feed", "/ws/subscribe"]) {
    expect(isPassedOn(reader, path, config)).toBe(false);
    expect(isPassedOn(relay, path, config)).toBe(true);
    expect(isPassedOn(reader, path, off)).toBe(true);
  }
  expect(isPassedOn(reader, "/fee", config)).toBe(true);
  expect(isPassedOn(reader, "/healthz", config)).toBe(false);
});
