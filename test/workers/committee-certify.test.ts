/** Certify before post, and what goes on when a quorum is away: the sequencer under a real committee. */

import { describe, expect, test } from "vitest";
import { createSubmitter } from "../../src/l1/submitter.ts";
import { SUBMITTER_KEY } from "./support/chain.ts";
import { type Committee, headerOf, serveCommittee } from "./support/committee.ts";
import { DANGER_BLOCKS, SHORT } from "./support/danger.ts";
import { transfer, user } from "./support/history.ts";

const QUICK = { SEQ_BATCH_LINGER_SECONDS: "1", SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS: "50" };

const submissions = ({ sql }: Committee): Promise<number> =>
  sql((db) => db.exec<{ n: number }>("SELECT COUNT(*) AS n FROM submissions").one().n);

const sealed = ({ sql }: Committee): Promise<number> =>
  sql((db) => db.exec<{ n: number }>("SELECT COUNT(*) AS n FROM valid_closed_batches").one().n);

/** The greatest wallet nonce that may be used; -1 before the first. */
const watermark = ({ sql }: Committee): Promise<number> =>
  sql((db) => {
    const query = "SELECT COALESCE(MAX(watermark), -1) AS n FROM wallet_nonce_watermark";
    return db.exec<{ n: number }>(query).one().n;
  });

const posting = async (committee: Committee) => ({
  sealed: await sealed(committee),
  submissions: await submissions(committee),
  watermark: await watermark(committee),
});

const isPosted = async ({ object }: Committee): Promise<boolean> => {
  const found = await object.transaction(user(0), 0);
  return found.ok && (found.value.state === "posted" || found.value.state === "settled");
};

/** Ticks for a while in which something forbidden would happen. */
async function tickALot(committee: Committee): Promise<void> {
  let ticks = 0;
  await committee.tickUntil(() => ++ticks > 30);
}

describe("[C7] certify before post", () => {
  test("a batch whose seal is not certified is not posted; with its certificate it is", async () => {
    const committee = await serveCommittee(QUICK);
    await committee.silence(0, 1);
    // An empty batch may have been sealed and certified before: what is allowed of it happens now.
    await tickALot(committee);
    const before = await posting(committee);
    await committee.object.submit(transfer(0, 0));
    await committee.tickUntil(async () => (await sealed(committee)) > before.sealed);
    await tickALot(committee);
    expect(await posting(committee)).toMatchObject({ ...before, sealed: expect.any(Number) });
    expect((await committee.object.health()).unposted_batches).toBeGreaterThan(0);
    await committee.revive(0, 1);
    await committee.tickUntil(() => isPosted(committee));
  });

  test("a wallet nonce whose watermark is not certified is not used", async () => {
    const committee = await serveCommittee(QUICK);
    const { object, chain } = committee;
    await chain.fail([{ method: "eth_feeHistory", fault: { kind: "disconnect" } }]);
    await object.submit(transfer(0, 0));
    await committee.tickUntil(async () => (await sealed(committee)) > 0);
    await expect.poll(() => certifiedSeal(committee), { timeout: 10_000 }).toBe(true);
    await committee.silence(0, 1);
    await chain.fail([]);
    await committee.tickUntil(async () => (await watermark(committee)) === 0);
    await tickALot(committee);
    expect(await submissions(committee)).toBe(0);
    expect(await chain.requests()).not.toContainEqual(
      expect.objectContaining({ method: "eth_sendRawTransaction" }),
    );
    await committee.revive(0, 1);
    await committee.tickUntil(() => isPosted(committee));
  });

  test("what was posted is known to every successor: seal and watermark are certified", async () => {
    const committee = await serveCommittee(QUICK);
    await committee.object.submit(transfer(0, 0));
    await committee.tickUntil(() => isPosted(committee));
    const facts = await committee.sql((db) =>
      db
        .exec<{ sealed: number; watermark: number; batch: number; nonce: number }>(
          `SELECT k.sealed_through AS sealed, k.watermark_through AS watermark,
             (SELECT MAX(batch_index) FROM submissions) AS batch,
             (SELECT MAX(wallet_nonce) FROM submissions) AS nonce
           FROM log_facts k WHERE height <= (SELECT MAX(height) FROM certificates)
           ORDER BY height DESC LIMIT 1`,
        )
        .one(),
    );
    expect(facts.sealed).toBeGreaterThanOrEqual(facts.batch);
    expect(facts.watermark).toBeGreaterThanOrEqual(facts.nonce);
  });
});

/** Another node's transactions of our key, up to this wallet nonce: they go on behind every watermark. */
async function sendUnknown({ chain }: Committee, last: number): Promise<void> {
  const key = createSubmitter(SUBMITTER_KEY);
  const fees = { maxFeePerGasWei: 10n ** 10n, maxPriorityFeePerGasWei: 10n ** 9n };
  const mined = await chain.rpc("eth_getTransactionCount", [key.address, "latest"]);
  for (let walletNonce = Number(mined); walletNonce <= last; walletNonce++) {
    const terms = { walletNonce, gas: 21_000n, ...fees };
    const { raw } = await key.signNoOp(chain.rollups.chainId, terms);
    await chain.rpc("eth_sendRawTransaction", [raw]);
  }
}

test("[C7, R2] a flush sends no no-op above a certified watermark", async () => {
  const committee = await serveCommittee({ ...SHORT, ...QUICK });
  const { object, chain } = committee;
  await chain.rpc("evm_setAutomine", [false]);
  await object.submit(transfer(0, 0));
  await committee.tickUntil(() => isPosted(committee));
  await chain.rpc("anvil_dropAllTransactions");
  await chain.fail([{ method: "eth_getTransactionCount", fault: { kind: "disconnect" } }]);
  await chain.mine(DANGER_BLOCKS + 2);
  await committee.tickUntil(async () => (await object.health()).mode === "recovering");
  await committee.silence(0, 1);
  // One, or two where a batch of deposits alone was closed before the op came.
  const unknown = (await watermark(committee)) + 1;
  await sendUnknown(committee, unknown);
  await chain.fail([]);
  await committee.tickUntil(async () => (await watermark(committee)) === unknown);
  await tickALot(committee);
  const sent = async () =>
    (await chain.requests()).filter(({ method }) => method === "eth_sendRawTransaction").length;
  expect(await sent()).toBe(0);
  expect(await object.health()).toMatchObject({ recovery: { phase: "flush" } });
  await committee.revive(0, 1);
  await committee.tickUntil(async () => (await sent()) > 0);
  await chain.mine(2);
  await committee.tickUntil(async () => (await object.health()).mode === "serving");
});

const certifiedSeal = ({ sql }: Committee): Promise<boolean> =>
  sql(
    (db) =>
      db
        .exec<{ n: number }>(
          `SELECT COUNT(*) AS n FROM log_facts WHERE sealed_through IS NOT NULL
           AND height <= (SELECT MAX(height) FROM certificates)`,
        )
        .one().n > 0,
  );

describe("[C2] without a quorum", () => {
  test("certification stops, ordered goes on, health says why, and all heals", async () => {
    const committee = await serveCommittee();
    const { object, verify } = committee;
    await object.submit(transfer(0, 0), true);
    await committee.silence(0, 1);
    const ordered = await object.submit(transfer(0, 1));
    expect(await verify(ordered.ok ? ordered.value.receipt : null)).toMatchObject({
      value: { tier: "ordered" },
    });
    const before = (await object.health()).committee?.certified_height;
    await expect
      .poll(async () => (await object.health()).committee, { timeout: 15_000 })
      .toMatchObject({ reason: "no-quorum", reachable: 2, quorum: 3, certified_height: before });
    const later = await object.submit(transfer(0, 2));
    expect(later).toMatchObject({ ok: true });
    expect((await object.health()).status).toBe("ok");
    await committee.revive(0);
    await expect
      .poll(() => object.transaction(user(0), 2), { timeout: 15_000 })
      .toMatchObject({ value: { state: "certified" } });
    expect((await object.health()).committee).toMatchObject({ reason: null, reachable: 3 });
  });

  test("a restart in the midst of a round goes on with the same chunks", async () => {
    const committee = await serveCommittee();
    const { verify } = committee;
    await committee.silence(0, 1);
    const answer = await committee.object.submit(transfer(0, 0));
    if (!answer.ok) return expect.unreachable(answer.error.message);
    await committee.restart();
    const again = await committee.object.submit(transfer(0, 1));
    expect(again).toMatchObject({ ok: true });
    await committee.revive(0, 1);
    await expect
      .poll(() => committee.object.transaction(user(0), 1), { timeout: 15_000 })
      .toMatchObject({ value: { state: "certified" } });
    // The promise of the life before is kept: the same header, and it still verifies.
    const now = await committee.object.transaction(user(0), 0);
    const receipt = now.ok ? now.value.receipt : null;
    expect(receipt?.header.header).toEqual(headerOf(answer.value.receipt));
    expect(await verify(answer.value.receipt)).toMatchObject({ ok: true });
    expect(await verify(receipt)).toMatchObject({ value: { tier: "certified" } });
  });
});
