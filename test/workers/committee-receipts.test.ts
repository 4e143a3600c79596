/** Receipts of a sequencer under a committee: on the answer, waited for, asked for later, over both tiers. */

import { describe, expect, test } from "vitest";
import { found, headerOf, serveCommittee, unfounded } from "./support/committee.ts";
import { transfer, user } from "./support/history.ts";

describe("[C9] before the founding", () => {
  test("no op is taken, and health says what is missing", async () => {
    const committee = await unfounded();
    const { object } = committee;
    expect(await object.submit(transfer(0, 0))).toMatchObject({ error: { status: 503 } });
    expect(await object.health()).toMatchObject({
      mode: "starting",
      committee: { epoch: null, reason: "not-founded", certified_height: -1 },
    });
    await found(committee);
    expect(await object.submit(transfer(0, 0))).toMatchObject({ ok: true });
    expect(await object.health()).toMatchObject({
      status: "ok",
      committee: { epoch: 0, leader: committee.id, is_leader: true, quorum: 3, reachable: 4 },
    });
  });
});

describe("[C2] receipts", () => {
  test("an op is answered with an ordered one, which verifies offline", async () => {
    const { object, verify, id } = await serveCommittee();
    const answer = await object.submit(transfer(0, 0));
    if (!answer.ok) return expect.unreachable(answer.error.message);
    const proof = await verify(answer.value.receipt);
    expect(proof).toMatchObject({
      ok: true,
      value: {
        tier: "ordered",
        event: { kind: "op", offset: answer.value.offset, sender: user(0), nonce: 0 },
        promisedBy: { epoch: 0, candidate: id },
        certified: null,
      },
    });
  });

  test("wait=certified is answered with the certificate of a quorum", async () => {
    const { object, verify } = await serveCommittee();
    const answer = await object.submit(transfer(0, 0), true);
    if (!answer.ok) return expect.unreachable(answer.error.message);
    const proof = await verify(answer.value.receipt);
    expect(proof).toMatchObject({
      ok: true,
      value: { tier: "certified", certified: { quorum: 3 }, abandonedBy: null },
    });
  });

  test("GET /tx gives the newest: ordered, then certified, and the state with it", async () => {
    const committee = await serveCommittee();
    const { object, verify } = committee;
    await committee.silence(0, 1);
    await object.submit(transfer(0, 0));
    const before = await object.transaction(user(0), 0);
    expect(before).toMatchObject({ value: { state: "ordered", receipt: { tier: "ordered" } } });
    await committee.revive(0, 1);
    await expect
      .poll(() => object.transaction(user(0), 0), { timeout: 15_000 })
      .toMatchObject({ value: { state: "certified", receipt: { tier: "certified" } } });
    const after = await object.transaction(user(0), 0);
    const proof = await verify(after.ok ? after.value.receipt : null);
    expect(proof).toMatchObject({ ok: true, value: { certified: { epoch: 0 } } });
  });

  test("a group has one header, and each op its own path", async () => {
    const { object, verify } = await serveCommittee();
    const ops = Array.from({ length: 7 }, (_, i) => transfer(0, i));
    const answers = await object.submitGroup(ops);
    const receipts = answers.map((one) => (one.ok ? one.value.receipt : null));
    expect(new Set(receipts.map((one) => headerOf(one)?.height)).size).toBe(1);
    for (const [i, receipt] of receipts.entries()) {
      expect(await verify(receipt)).toMatchObject({ ok: true, value: { event: { nonce: i } } });
    }
  });

  test("[I4] a retry gets the original answer with a receipt of the same chunk", async () => {
    const { object, verify } = await serveCommittee();
    const first = await object.submit(transfer(0, 0));
    const again = await object.submit(transfer(0, 0));
    if (!first.ok || !again.ok) return expect.unreachable("both are answered 200");
    expect(again.value.offset).toBe(first.value.offset);
    expect(await verify(again.value.receipt)).toMatchObject({ ok: true });
    expect(headerOf(again.value.receipt)).toEqual(headerOf(first.value.receipt));
  });

  test("certificates come page by page, and one covers each height below it", async () => {
    const { object } = await serveCommittee();
    for (let i = 0; i < 3; i++) await object.submit(transfer(0, i), true);
    const page = await object.certificates({ after: -1, limit: 256 });
    if (!page.ok) return expect.unreachable(page.error.message);
    const heights = page.value.certificates.map(({ height }) => height);
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
    expect(heights.at(-1)).toBe(page.value.certified_height);
    const one = await object.certificates({ after: (heights[0] ?? 0) - 1, limit: 1 });
    expect(one).toMatchObject({ value: { certificates: [page.value.certificates[0]] } });
  });

  test("readers who ask get the newest certificate behind what it covers, and no offset for it", async () => {
    const { object } = await serveCommittee();
    const request = (query: string) =>
      object.fetch(`http://baton/ws/subscribe?from_offset=0${query}`, {
        headers: { upgrade: "websocket" },
      });
    const plain = raw(await request(""));
    const asking = raw(await request("&certificates=1"));
    const answer = await object.submit(transfer(0, 0), true);
    if (!answer.ok) return expect.unreachable(answer.error.message);
    const { offset } = answer.value;
    const isCovered = (one: Said) => one.kind === "certificate" && one.next_offset > offset;
    await expect.poll(() => asking.some(isCovered), { timeout: 10_000 }).toBe(true);
    const at = asking.findIndex(isCovered);
    expect(asking.findIndex((one) => one.offset === offset)).toBeLessThan(at);
    expect(asking[at]).not.toHaveProperty("offset");
    expect(plain.map(({ kind }) => kind)).not.toContain("certificate");
    expect(plain.at(-1)).toMatchObject({ offset });
  });
});

type Said = { readonly kind: string; readonly offset?: number; readonly next_offset: number };

/** What a socket said, as JSON. */
function raw(response: Response): readonly Said[] {
  const said: Said[] = [];
  const socket = response.webSocket ?? expect.unreachable("the request was upgraded");
  socket.addEventListener("message", ({ data }) => {
    said.push(JSON.parse(String(data)));
  });
  socket.accept();
  return said;
}
