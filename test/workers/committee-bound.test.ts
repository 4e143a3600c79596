/** The bound of C6 on a whole object: it orders 10 000 events ahead of its certificates, and no more. */

import { expect, test } from "vitest";
import { CHUNK_OPS_MAX } from "../../src/core/types/protocol.ts";
import { serveCommittee } from "./support/committee.ts";
import { transfer, user } from "./support/history.ts";

test("[C6] at 10 000 uncertified events ops are answered 503, until certificates come", async () => {
  const committee = await serveCommittee();
  const { object } = committee;
  await committee.silence(0, 1);
  let nonce = 0;
  let waiting = 0;
  for (let isTaken = true; isTaken; ) {
    const ops = Array.from({ length: CHUNK_OPS_MAX }, (_, i) => transfer(0, nonce + i));
    const [first] = await object.submitGroup(ops);
    isTaken = first?.ok === true;
    if (isTaken) nonce += ops.length;
    else
      expect(first).toMatchObject({ error: { status: 503, message: "waiting for certificates" } });
    const before = waiting;
    waiting = (await object.health()).committee?.uncertified_events ?? 0;
    // Each group is taken below the bound, and none at it.
    if (isTaken) expect(before).toBeLessThan(10_000);
    else expect(before).toBeGreaterThanOrEqual(10_000);
  }
  expect(nonce).toBeLessThan(10_000 + CHUNK_OPS_MAX);
  expect(await object.health()).toMatchObject({ mode: "serving", status: "degraded" });
  await committee.revive(0, 1);
  await expect
    .poll(() => object.submit(transfer(0, nonce)), { timeout: 15_000 })
    .toMatchObject({ ok: true });
  await expect
    .poll(() => object.transaction(user(0), 0), { timeout: 15_000 })
    .toMatchObject({ value: { state: "certified" } });
  const oldest = await object.transaction(user(0), 0);
  const proof = await committee.verify(oldest.ok ? oldest.value.receipt : null);
  expect(proof).toMatchObject({ ok: true, value: { tier: "certified" } });
});
