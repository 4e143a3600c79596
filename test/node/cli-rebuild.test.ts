/** What `baton rebuild` must know of a sequencer before it sends anything to L1 (R5). */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { send } from "../support/claiming-server.ts";
import { runCommand } from "../support/command.ts";
import { TEST_VARIABLES } from "../support/variables.ts";

const DOMAIN = { chainId: 31_337, verifyingContract: TEST_VARIABLES["SEQ_APP_ADDRESS"] };
const starting = { ok: false, code: "UNAVAILABLE", message: "sequencer starting" };
const ERA = "00000000-0000-4000-8000-000000000000";

type Said = readonly [status: number, body: object];

let answers: Map<string, Said>;
let askedOfL1: number;
let sequencer: Listening;
let l1: Listening;

type Listening = { readonly server: Server; readonly url: string };

async function listen(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

beforeAll(async () => {
  sequencer = await listen(
    createServer((request, response) => {
      send(response, ...(answers.get(request.url ?? "") ?? [503, starting]));
    }),
  );
  l1 = await listen(
    createServer((_request, response) => {
      askedOfL1++;
      send(response, 200, { jsonrpc: "2.0", id: 1, error: { code: -32_000, message: "no" } });
    }),
  );
});
beforeEach(() => {
  askedOfL1 = 0;
  answers = new Map([["/domain", [200, DOMAIN]]]);
});
afterAll(() => {
  for (const { server } of [sequencer, l1]) server.close();
});

const rebuild = () =>
  runCommand(["rebuild", sequencer.url, "--rpc-url", l1.url], { env: TEST_VARIABLES });

test("one whose object cannot be reached may have a history: nothing is flushed", async () => {
  const ran = await rebuild();
  expect([ran.exitCode, askedOfL1]).toEqual([1, 0]);
  expect(ran.stderr).toBe('/healthz: 503 UNAVAILABLE "sequencer starting"\n');
});

test.each([200, 503])("one with a history is told so, serving or not: %i", async (status) => {
  answers.set("/healthz", [status, { status: "degraded", mode: "recovering", era: ERA }]);
  const ran = await rebuild();
  expect([ran.exitCode, askedOfL1]).toEqual([1, 0]);
  expect(ran.stderr).toBe("the sequencer has a history already: only an empty one is rebuilt\n");
});

test("a wrong token is found before anything is flushed", async () => {
  answers.set("/healthz", [503, { status: "degraded", mode: "refused", era: null }]);
  answers.set("/latest_snapshot", [401, { ok: false, code: "UNAUTHORIZED", message: "why" }]);
  const ran = await rebuild();
  expect([ran.exitCode, askedOfL1]).toEqual([1, 0]);
  expect(ran.stderr).toBe('/latest_snapshot: 401 UNAUTHORIZED "why"\n');
});

test("an empty one is flushed for", async () => {
  answers.set("/healthz", [503, { status: "degraded", mode: "refused", era: null }]);
  const ran = await rebuild();
  expect(ran.exitCode).toBe(1);
  expect(askedOfL1).toBeGreaterThan(0);
  expect(ran.stderr).toMatch(/^flush: L1: /);
}, 30_000);
