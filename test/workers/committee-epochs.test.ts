/** A leader that is elected anew continues its log in another epoch, behind the rollback that opens it. */

import { expect, test } from "vitest";
import { serveCommittee } from "./support/committee.ts";
import { transfer, user } from "./support/history.ts";

test("[C6, C8] a leader that is elected again keeps what was certified, and jumps in the offsets", async () => {
  const committee = await serveCommittee();
  const { verify } = committee;
  const before = await committee.object.submit(transfer(0, 0), true);
  if (!before.ok) return expect.unreachable(before.error.message);
  await committee.transfer();
  await expect
    .poll(async () => (await committee.object.health()).committee?.epoch, { timeout: 15_000 })
    .toBeGreaterThan(0);
  await committee.tickUntil(async () => (await committee.object.health()).mode === "serving");
  const after = await committee.object.submit(transfer(0, 1), true);
  if (!after.ok) return expect.unreachable(after.error.message);
  expect(after.value.offset).toBeGreaterThan(before.value.offset + 2 ** 20 - 1);
  for (const { receipt } of [before.value, after.value]) {
    const proof = await verify(receipt);
    expect(proof).toMatchObject({ ok: true, value: { tier: "certified", abandonedBy: null } });
  }
  expect(await committee.object.transaction(user(0), 0)).toMatchObject({
    value: { state: "certified", voided: null },
  });
  const page = await committee.object.feedPage({ fromOffset: 0, limit: 100, era: null });
  const kinds = page.ok ? page.value.records.map((text) => JSON.parse(text).kind) : [];
  expect(kinds.slice(-3)).toEqual(["user_op", "rollback", "user_op"]);
  // The next life goes on in the same epoch, without another opening.
  await committee.restart();
  const later = await committee.object.submit(transfer(0, 2), true);
  expect(later).toMatchObject({ value: { receipt: { tier: "certified" } } });
  expect((await committee.object.health()).committee).toMatchObject({ epoch: 1 });
});
