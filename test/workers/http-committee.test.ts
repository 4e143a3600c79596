/** The public routes of a sequencer under a committee, through the Worker: receipts, waiting, certificates. */

import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { parseReceipt } from "../../src/core/consensus/receipt-json.ts";
import { type Address, parseAddress } from "../../src/core/types/hex.ts";
import { devAccounts } from "../../src/local/accounts.ts";
import { signTransfer } from "../../src/local/sign-transfer.ts";
import worker from "../../src/worker/index.ts";
import { type Committee, serveCommittee } from "./support/committee.ts";
import { user } from "./support/history.ts";

const from = devAccounts()[3] ?? expect.unreachable("a funded account");

function addressOf(text: string): Address {
  return parseAddress(text) ?? expect.unreachable("an address");
}

async function ask({ vars }: Committee, path: string, body?: string): Promise<Response> {
  const fetch = worker.fetch ?? expect.fail("the Worker answers requests");
  const headers = { "content-type": "application/json" };
  const init = body === undefined ? {} : { method: "POST", headers, body };
  const request = new Request(`https://baton.test${path}`, init) as Parameters<typeof fetch>[0];
  return await fetch(request, { ...env, ...vars }, createExecutionContext());
}

function transferOf({ chain }: Committee, nonce: number): string {
  const { chainId, app } = chain.rollups;
  const domain = { chainId, verifyingContract: addressOf(app.toLowerCase()) };
  return signTransfer(domain, { from, to: user(1), units: 5n, nonce, maxFee: 2_000 });
}

type Answer = { readonly ok: boolean; readonly offset: number; readonly receipt: unknown };

function tierOf({ receipt }: Answer): unknown {
  const parsed = parseReceipt(JSON.stringify(receipt));
  return parsed.ok ? parsed.value.tier : parsed.error;
}

test("[C2] POST /tx carries a receipt, waits for a certificate, and answers 202 without one", async () => {
  const committee = await serveCommittee({}, [addressOf(from.address)]);
  const plain = await ask(committee, "/tx", transferOf(committee, 0));
  expect([plain.status, tierOf(await plain.json<Answer>())]).toEqual([200, "ordered"]);
  const held = await ask(committee, "/tx?wait=certified", transferOf(committee, 1));
  expect([held.status, tierOf(await held.json<Answer>())]).toEqual([200, "certified"]);
  const wrong = await ask(committee, "/tx?wait=settled", transferOf(committee, 2));
  expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "BAD_REQUEST" }]);
  const found = await ask(committee, `/tx/${from.address}/1`);
  expect(tierOf(await found.json<Answer>())).toBe("certified");
  await committee.silence(0, 1);
  const late = await ask(committee, "/tx?wait=certified", transferOf(committee, 2));
  expect([late.status, tierOf(await late.json<Answer>())]).toEqual([202, "ordered"]);
});

test("[C2] GET /certificates pages through them, and one covers a height", async () => {
  const committee = await serveCommittee({}, [addressOf(from.address)]);
  await ask(committee, "/tx?wait=certified", transferOf(committee, 0));
  type Page = { readonly certificates: readonly { height: number }[]; certified_height: number };
  const page = await (await ask(committee, "/certificates?limit=1")).json<Page>();
  expect(page.certificates).toHaveLength(1);
  const first = page.certificates[0]?.height ?? -1;
  const rest = await (await ask(committee, `/certificates?after=${first}`)).json<Page>();
  expect(rest.certificates.every(({ height }) => height > first)).toBe(true);
  const covering = await ask(committee, `/certificates/${first}`);
  expect(await covering.json()).toEqual(page.certificates[0]);
  const beyond = await ask(committee, `/certificates/${page.certified_height + 1_000}`);
  expect(beyond.status).toBe(404);
  for (const bad of ["/certificates?limit=257", "/certificates?after=x", "/certificates/x"]) {
    expect((await ask(committee, bad)).status).toBe(400);
  }
  expect((await ask(committee, "/certificates?limit=256")).status).toBe(200);
});

test("[C9] GET /deployment pins the first record, and /healthz shows the committee", async () => {
  const committee = await serveCommittee();
  const deployment = await (await ask(committee, "/deployment")).json<Record<string, unknown>>();
  const epochs = await committee.object.epochs(-1);
  expect(deployment["committee"]).toEqual({ genesis: epochs.ok && epochs.value.genesis });
  const health = await (await ask(committee, "/healthz")).json<Record<string, unknown>>();
  expect(health["committee"]).toMatchObject({ epoch: 0, leader: committee.id, quorum: 3 });
});

test("[C2] without a committee there are no such routes, and the query is not read", async () => {
  const { chain } = await serveCommittee();
  const alone = { vars: chain.vars } as Committee;
  expect((await ask(alone, "/certificates?limit=0")).status).toBe(404);
  expect((await ask(alone, "/certificates/0")).status).toBe(404);
  const answer = await ask(alone, "/tx?wait=settled", "{}");
  expect(await answer.json()).toMatchObject({ code: "BAD_REQUEST", message: "invalid JSON" });
});
