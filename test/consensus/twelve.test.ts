/**
 * The twelve targets of the federated design, on this one: an election with votes, proposals with
 * certificates, metrics. Four and five end in an epoch; eight keeps the certificates of what it evicts.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { describe, expect, test } from "vitest";
import type { Metrics } from "../../src/consensus/metrics.ts";
import { settle } from "../../src/core/consensus/claim.ts";
import { commitClaim } from "../../src/core/consensus/commit-certificate.ts";
import { ELECTION_RULES, type ElectionRules } from "../../src/core/consensus/election-rules.ts";
import { ZERO_HASH } from "../../src/core/consensus/encoding.ts";
import { combineSignatures } from "../../src/core/consensus/multi-signature.ts";
import { chained, snapshotOf } from "../../src/core/consensus/proposals.ts";
import { memberIndex, type SchemeId } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { hashFromBytes } from "../../src/core/types/hex.ts";
import { schemes } from "../../src/crypto/schemes/registry.ts";
import { signersOf } from "../support/committee.ts";
import { Elections } from "./elections.ts";
import { Proposals } from "./proposals.ts";
import { testSchemes } from "./test-scheme.ts";
import { World } from "./world.ts";

/** The times of the federated design: 250 to 450 ms, and a heartbeat every 150. */
const FAST: ElectionRules = {
  ...ELECTION_RULES,
  timeoutLeastMs: 250,
  timeoutMostMs: 450,
  heartbeatMs: 150,
};

describe("[C8] the twelve targets", () => {
  test("1 happy path: three peers commit a proposal", async () => {
    const world = await World.create({ validators: 3, quorum: 2 });
    const leader = await world.led();
    const payload = utf8ToBytes("{}");
    const certified = await world.settle(leader.running.propose(payload));
    if (!certified.ok) throw new Error(certified.error.reason);
    const claim = commitClaim(certified.value, world.ground.genesis.known);
    expect(claim.ok && settle(claim.value, testSchemes).ok).toBe(true);
    expect(certified.value.statement.digest).toBe(hashFromBytes(sha256(payload)));
    world.stop();
  });

  test("2 no quorum: a proposal is aborted when its time is over", async () => {
    const world = await World.create({ validators: 3, quorum: 2 });
    const leader = await world.led();
    world.validator(0).crash();
    world.validator(1).crash();
    const startedMs = world.timeline.nowMs;
    const outcome = await world.settle(leader.running.propose(utf8ToBytes("{}"), 700));
    expect(outcome).toEqual({ ok: false, error: { reason: "expired" } });
    expect(world.timeline.nowMs - startedMs).toBe(700);
    expect(leader.metrics.proposals.expired).toBe(1);
    world.stop();
  });

  test("3 a message of an older term changes nothing", () => {
    const members = new Elections(3);
    members.nowMs = 6_000;
    members.tick(0);
    members.settle();
    members.nowMs = 30_000;
    members.tick(1);
    members.settle((_, to) => to === 0);
    const before = members.state(1);
    expect(before.durable.term).toBe(2);
    const stale = members.state(0).durable.vote;
    const effects = [
      members.step(1, {
        is: "heartbeat",
        term: members.state(0).durable.term,
        from: memberIndex(0),
      }),
      members.step(1, {
        is: "asked",
        ask: must(stale, "the first member voted for itself"),
        isTransfer: true,
        tip: null,
      }),
      members.step(1, { is: "denied", term: members.state(0).durable.term }),
      members.step(1, {
        is: "voted",
        statement: must(stale, "the first member voted for itself"),
        by: memberIndex(2),
      }),
    ];
    expect(members.state(1)).toEqual(before);
    expect(effects.flat().every((effect) => effect.do === "deny")).toBe(true);
  });

  test("4 exactly one leader among five within 500 ms, and then one epoch", async () => {
    const world = await World.create({
      ...{ seed: 4, validators: 5, candidates: 5, quorum: 3, election: FAST },
    });
    await world.led();
    const startedMs = world.timeline.nowMs;
    world.candidate(0).crash();
    const roles = (): readonly string[] =>
      world.validators.map(({ running }) => must(running.election, "it votes").role);
    await world.run(500, () => roles().includes("leader"));
    expect(roles().filter((role) => role === "leader")).toHaveLength(1);
    expect(world.timeline.nowMs - startedMs).toBeLessThanOrEqual(500);
    const next = await world.led();
    expect(world.candidates.filter(({ node }) => node?.leader() === true)).toEqual([next]);
    expect(next.running.leaderId()).toBe(next.name);
    world.stop();
  });

  test("5 a split vote is resolved by standing again", () => {
    const members = new Elections(4, FAST);
    members.nowMs = 500;
    // All at once: each votes for itself, and nobody for anybody else.
    for (const at of [0, 1, 2, 3]) members.tick(at);
    members.settle();
    expect(members.leaders).toEqual([]);
    expect(members.states.map(({ durable }) => durable.term)).toEqual([1, 1, 1, 1]);
    // Deadlines are drawn anew: whoever is first stands for the next term, alone.
    for (const [at, unit] of [0.9, 0.1, 0.5, 0.7].entries()) {
      members.unit = unit;
      members.step(at, { is: "denied", term: members.state(at).durable.term });
    }
    members.nowMs = 1_000;
    members.tick(1);
    members.settle();
    expect(members.leaders).toEqual([1]);
    expect(members.states.map(({ durable }) => durable.term)).toEqual([2, 2, 2, 2]);
  });

  test.each<SchemeId>(["p256", "ed25519", "bls12381"])(
    "6 the signature of a certificate under %s does not depend on the order of votes",
    (scheme) => {
      const message = utf8ToBytes("decided");
      const votes = signersOf(scheme, [1, 2, 3]).map((signer, i) => ({
        member: memberIndex(i),
        signature: signer.sign(message),
      }));
      const there = combineSignatures(schemes[scheme], 4, votes);
      const back = combineSignatures(schemes[scheme], 4, votes.toReversed());
      expect(back).toEqual(there);
      const again = signersOf(scheme, [1, 2, 3]).map((signer) => signer.sign(message));
      expect(again).toEqual(votes.map(({ signature }) => signature));
    },
  );

  test("7 ten proposals at once are committed in the order of their ids", () => {
    const proposals = new Proposals(3);
    const ids = Array.from({ length: 10 }, (_, i) => proposals.propose(`proposal ${i}`));
    for (const id of ids.toReversed()) proposals.vote(id, [0, 1]);
    expect(proposals.committed.map(({ statement }) => statement.id.sequence)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(proposals.committed.map(({ index }) => index)).toEqual(ids.map((_, i) => i + 1));
  });

  test("8 the log is bounded: the oldest leave, and stay in the chain of certificates", () => {
    const proposals = new Proposals(3, { logMax: 3 });
    for (let i = 0; i < 5; i++) proposals.vote(proposals.propose(`proposal ${i}`), [0, 1]);
    const { log, evicted } = proposals.state;
    expect(log.map(({ index }) => index)).toEqual([3, 4, 5]);
    expect(evicted.count).toBe(2);
    const chain = proposals.committed
      .slice(0, 2)
      .reduce((hash, { statement }) => chained(hash, statement), ZERO_HASH);
    expect(evicted.chain).toBe(chain);
    expect(snapshotOf(proposals.state).commitIndex).toBe(5);
  });

  test("9 the signers are those who voted for it", () => {
    const proposals = new Proposals(5);
    const id = proposals.propose("who");
    proposals.deny(id, [1]);
    proposals.vote(id, [4, 0, 3]);
    const [entry] = proposals.committed;
    expect(entry?.votes.map(({ member }) => member)).toEqual([4, 0, 3]);
    expect(must(proposals.certificateOf(entry), "it is committed").signatures.signers).toEqual([
      0, 3, 4,
    ]);
  });

  test("10 a snapshot has its fields", async () => {
    const world = await World.create({ validators: 3, quorum: 2 });
    const leader = await world.led();
    expect((await world.settle(leader.running.propose(utf8ToBytes("a")))).ok).toBe(true);
    for (const at of [0, 1, 2]) world.validator(at).crash();
    void leader.running.propose(utf8ToBytes("b"), 60_000);
    await world.run(100);
    expect(leader.running.proposals).toEqual({
      term: 0,
      commitIndex: 1,
      members: 3,
      pending: [{ term: 0, sequence: 2, origin: 0 }],
      committedCount: 1,
      abortedCount: 0,
    });
    world.stop();
  });

  test("11 the five metrics, of one node and of no other", async () => {
    const world = await World.create({ validators: 3, quorum: 2 });
    const leader = await world.led();
    await world.commit(leader);
    await world.settle(leader.running.propose(utf8ToBytes("a")));
    const value = (metrics: Metrics, name: string) => new Map(metrics.entries()).get(name);
    const { metrics } = leader;
    expect(value(metrics, 'baton_consensus_proposals_total{outcome="committed"}')).toBe(2);
    expect(value(metrics, 'baton_consensus_proposals_total{outcome="aborted"}')).toBe(0);
    expect(value(metrics, 'baton_consensus_proposals_total{outcome="expired"}')).toBe(0);
    const role = 'baton_consensus_role_transitions_total{from="follower",to="leader"}';
    expect(value(metrics, role)).toBe(1);
    expect(value(metrics, "baton_consensus_commit_latency_seconds_count")).toBe(2);
    expect(value(metrics, 'baton_consensus_commit_latency_seconds_bucket{le="+Inf"}')).toBe(2);
    expect(value(metrics, "baton_consensus_pending_proposals")).toBe(0);
    expect(value(metrics, "baton_consensus_term")).toBe(0);
    const other = world.candidate(1).metrics;
    expect(value(other, 'baton_consensus_proposals_total{outcome="committed"}')).toBe(0);
    expect(new Set(metrics.entries().map(([name]) => name)).size).toBe(metrics.entries().length);
    world.stop();
  });

  test("12 a stopped node sends nothing and waits for nothing", async () => {
    const world = await World.create({ validators: 3, quorum: 2 });
    const leader = await world.led();
    for (const at of [0, 1, 2]) world.validator(at).crash();
    const pending = leader.running.propose(utf8ToBytes("a"), 60_000);
    const commit = leader.running.commit(await world.nextBlock(leader));
    await world.run(50);
    for (const node of [...world.candidates]) node.running.stop();
    await world.run(0);
    const { sent } = world.network;
    await world.run(120_000);
    expect(world.network.sent).toBe(sent);
    expect(await pending).toEqual({ ok: false, error: { reason: "closed" } });
    expect(await commit).toMatchObject({ ok: false });
    world.stop();
  });
});
