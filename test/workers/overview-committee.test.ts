/** What an overview says under a committee: members, epochs, certificates, and rollbacks not yet told. */

import { describe, expect, test } from "vitest";
import type { OverviewBody } from "../../src/core/api/overview.ts";
import { type Committee, serveCommittee, unfounded } from "./support/committee.ts";
import { DANGER_BLOCKS, SHORT } from "./support/danger.ts";
import { transfer } from "./support/history.ts";

async function look({ object }: Committee): Promise<OverviewBody> {
  const body = await object.overview();
  return body.ok ? body.value : expect.unreachable(body.error.message);
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, n) => sum + n, 0);

describe("[C6] the overview of a leader", () => {
  test("before the founding there are no members", async () => {
    expect(await look(await unfounded())).toMatchObject({
      ...{ members: [], epochs: [] },
      health: { committee: { reason: "not-founded", epoch: null } },
      pipeline: { certified: 0, closed: 0 },
    });
  });

  test("members keep up, certificates are timed, the pipeline knows what is certified", async () => {
    const committee = await serveCommittee();
    await committee.object.submit(transfer(0, 0), true);
    await expect
      .poll(async () => (await look(committee)).members.map(({ lag }) => lag), { timeout: 10_000 })
      .toEqual([0, 0, 0, 0]);
    const body = await look(committee);
    expect(body.members).toMatchObject(
      Array.from({ length: 4 }, () => ({
        ...{ is_reachable: true, acked_height: body.health.committee?.certified_height },
        ...{ key: expect.stringMatching(/^0x[0-9a-f]{66}$/), lag: 0 },
        endpoint: expect.stringMatching(/^object:validator\//),
      })),
    );
    expect(body.epochs).toEqual([{ epoch: 0, leader: committee.id, from_height: 0 }]);
    expect(body.pipeline).toMatchObject({ ordered: 5, certified: 5 });
    expect(body.counters).toMatchObject({ ops_included: 1, calls: 1 });
    expect(sumOf(body.counters.certificate.counts)).toBeGreaterThan(0);
  });

  test("a member that is away lags, and is seen to be away after five seconds", async () => {
    const committee = await serveCommittee();
    await committee.silence(3);
    for (let nonce = 0; nonce < 3; nonce++) await committee.object.submit(transfer(0, nonce), true);
    const away = async () => (await look(committee)).members.filter(({ lag }) => (lag ?? 0) >= 3);
    await expect.poll(away, { timeout: 10_000 }).toHaveLength(1);
    const endpoint = (await away())[0]?.endpoint;
    const unreachable = async () =>
      (await look(committee)).members.flatMap((one) => (one.is_reachable ? [] : [one.endpoint]));
    await expect.poll(unreachable, { timeout: 15_000 }).toEqual([endpoint]);
  });

  test("without a quorum the pipeline stands at what is certified", async () => {
    const committee = await serveCommittee();
    const pipeline = async () => (await look(committee)).pipeline;
    await expect.poll(pipeline, { timeout: 10_000 }).toMatchObject({ ordered: 4, certified: 4 });
    await committee.silence(0, 1);
    await committee.object.submit(transfer(0, 0));
    expect(await pipeline()).toMatchObject({ ordered: 5, certified: 4, closed: 0 });
  });

  test("[F3] a rollback that is not certified has voided no batch that anybody sees", async () => {
    const committee = await serveCommittee(SHORT);
    await committee.object.submit(transfer(0, 0), true);
    await committee.silence(0, 1);
    await committee.chain.mine(DANGER_BLOCKS + 2);
    const isRolledBack = async () => (await look(committee)).counters.rollbacks === 1;
    await committee.tickUntil(isRolledBack);
    const states = async () => (await look(committee)).batches.map(({ state }) => state);
    expect(await states()).not.toContain("voided");
    await committee.revive(0, 1);
    await committee.tickUntil(async () => (await states()).includes("voided"));
  });
});
