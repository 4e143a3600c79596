/** Scenarios of the combined design: fencing, restores, changes of committee, liars; each by its name. */

import { describe, expect, test } from "vitest";
import type { Judge } from "../../src/consensus/clock.ts";
import { foundCommittee } from "../../src/consensus/committee.ts";
import { settle } from "../../src/core/consensus/claim.ts";
import { majority, sortMembers } from "../../src/core/consensus/epoch-record.ts";
import { doQuorumsMeet } from "../../src/core/consensus/takeover.ts";
import type { AsyncSigner } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { createSigner, schemes } from "../../src/crypto/schemes/registry.ts";
import { APP } from "../support/committee.ts";
import { commitMany, withWorld } from "./live.ts";
import { drawRun, runCommittee } from "./run-committee.ts";
import { testSchemes, testSigner } from "./test-scheme.ts";

describe("[C4, C5, C6] the combined design", () => {
  test("an ack after a storage failure does not leave", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 1);
      const node = world.validator(0);
      node.disk.failsNext = true;
      const before = world.auditor.certified.length;
      await commitMany(world, 2);
      expect(String(node.running.fault)).toContain("the disk is full");
      expect(node.running.durable).toBeNull();
      expect(world.auditor.certified.length).toBeGreaterThan(before);
      node.crash();
      await node.start();
      await commitMany(world, 2);
      await world.run(10_000);
      expect(node.running.durable?.base.height).toBe(4);
    });
  });

  test("a stale leader is fenced: what it orders is never certified", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 2);
      // It hears nobody, and everybody hears it no more.
      for (const { name } of world.nodes) {
        if (name === "c0") continue;
        world.network.cut("c0", name);
        world.network.cut(name, "c0");
      }
      const stale = world.candidate(0).running;
      const lost = stale.commit(await world.nextBlock(world.candidate(0)));
      await world.run(60_000, () => world.candidate(1).running.leader());
      await commitMany(world, 2);
      world.network.heal();
      expect(await world.settle(lost)).toMatchObject({ ok: false });
      await world.run(10_000);
      expect(stale.leader()).toBe(false);
      expect(stale.leaderId()).toBe("c1");
      const [mine, theirs] = await Promise.all([
        stale.byHeight(2),
        world.candidate(1).running.byHeight(2),
      ]);
      expect(mine?.payload).toEqual(theirs?.payload);
    });
  });

  test("a validator restored from a backup is mute under its new key", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 2);
      const node = world.validator(0);
      const backup = node.store.copy();
      await commitMany(world, 3);
      node.crash();
      node.store = backup;
      node.signer = testSigner("v0 after its restore");
      await node.start();
      await commitMany(world, 3);
      const moved = await world.settle(world.candidate(0).running.transferLeader());
      expect(moved.ok).toBe(true);
      await commitMany(world, 2);
      expect(node.running.durable?.tip?.chunk.ref.height).toBe(1);
    });
  });

  test("and speaks again once a certified proposal and a new epoch list that key", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 2);
      const node = world.validator(0);
      const backup = node.store.copy();
      node.crash();
      node.store = backup;
      node.signer = testSigner("v0 after its restore");
      await node.start();
      const { record } = world.ground.genesis.known;
      const old = testSigner("v0").publicKey.join();
      const members = sortMembers([
        ...record.members.filter(({ key }) => key.join() !== old),
        { key: node.signer.publicKey, proof: new Uint8Array(0), endpoint: "v0" },
      ]);
      const leader = await world.led();
      const next = { ...record, members };
      const certified = await world.settle(leader.running.proposeCommittee(next));
      expect(certified.ok).toBe(true);
      expect((await world.settle(leader.running.transferLeader("c1"))).ok).toBe(true);
      await world.run(5_000);
      const head = must(node.running.head, "it is up").record;
      expect(head.members.map(({ key }) => key.join())).toEqual(
        members.map(({ key }) => key.join()),
      );
      await commitMany(world, 3);
      await world.run(10_000);
      const top = Math.max(...world.auditor.certified.map(({ height }) => height));
      expect(node.running.durable?.tip?.chunk.ref.height).toBe(top);
    });
  });

  test("half of an even committee certifies nothing", async () => {
    await withWorld({ validators: 4, quorum: majority(4) }, async (world) => {
      world.validator(0).crash();
      world.validator(1).crash();
      const leader = await world.led();
      const commit = leader.running.commit(await world.nextBlock(leader));
      expect(await world.settle(commit)).toEqual({ ok: false, error: { reason: "timeout" } });
      expect(world.auditor.certified).toEqual([]);
      await world.validator(0).start();
      await commitMany(world, 1);
    });
  });

  test("a hand-over to a committee that shares too little is voted for by nobody", async () => {
    await withWorld({}, async (world) => {
      const leader = await world.led();
      const { record } = world.ground.genesis.known;
      const strangers = ["x0", "x1", "x2", "x3"].map((name) => ({
        key: testSigner(name).publicKey,
        proof: new Uint8Array(0),
        endpoint: name,
      }));
      const far = { ...record, members: sortMembers(strangers) };
      const near = {
        ...record,
        members: sortMembers([...record.members.slice(1), ...strangers.slice(1, 2)]),
      };
      expect([doQuorumsMeet(record, far), doQuorumsMeet(record, near)]).toEqual([false, true]);
      const refused = await world.settle(leader.running.proposeCommittee(far));
      expect(refused).toEqual({ ok: false, error: { reason: "rejected" } });
    });
  });

  test("a certified chunk that only one reporter holds survives the leader", async () => {
    await withWorld({}, async (world) => {
      await commitMany(world, 2);
      // The leader certifies once more, and nobody hears of the certificate.
      const leader = world.candidate(0);
      const block = await world.nextBlock(leader);
      const commit = await world.settle(leader.running.commit(block));
      expect(commit.ok).toBe(true);
      leader.crash();
      world.validator(3).crash();
      const next = await world.led();
      await commitMany(world, 1);
      expect((await next.running.byHeight(2))?.payload).toEqual(block);
    });
  });

  test("an equivocating leader is deposed, with evidence that anybody can check", async () => {
    const outcome = await runCommittee({
      ...drawRun(3),
      ...{ validators: 4, quorum: 3, restores: false, stormMs: 20_000, faultMeanMs: 1e9 },
      liars: { voters: 0, chance: 0.2 },
    });
    expect(outcome.failure).toBeNull();
    expect(outcome.evidence).toBeGreaterThan(0);
    expect(outcome.epochs).toBeGreaterThan(0);
  });

  test("with real signatures the same", async () => {
    const names = ["v0", "v1", "v2", "v3", "c0", "c1"];
    // At once: virtual time does not wait for the platform's threads.
    const judge: Judge = { schemes, settle: (claim) => Promise.resolve(settle(claim, schemes)) };
    const signer = (name: string): AsyncSigner => {
      const { sign, ...identity } = createSigner(
        "ed25519",
        new Uint8Array(32).fill(1 + names.indexOf(name)),
      );
      return { ...identity, sign: (message) => Promise.resolve(sign(message)) };
    };
    await withWorld({ judge, signer }, async (world) => {
      await commitMany(world, 3);
      const moved = await world.settle(world.candidate(0).running.transferLeader("c1"));
      expect(moved.ok).toBe(true);
      await commitMany(world, 2);
    });
  });

  test("a first record needs the signature of every member", async () => {
    const founding = {
      ...{ chainId: 1, app: APP },
      era: new Uint8Array(16).fill(1),
      members: ["a", "b"].map((name) => ({ signer: testSigner(name), endpoint: name })),
      candidates: [{ id: "c", signer: testSigner("c"), endpoint: "c" }],
      ...{ leader: "c", quorum: null },
    };
    const { signed, known } = await foundCommittee(founding, testSchemes);
    expect(signed.byJoining.signers).toEqual([0, 1]);
    expect(known.record.quorum).toBe(2);
  });
});
