/** A candidate's way to its epoch, one event at a time; and proposals where the twelve targets stop. */

import { describe, expect, test } from "vitest";
import type { Untimed } from "../../src/consensus/clock.ts";
import { IDLE_TRANSFER, stepTransfer, TRANSFER_RULES } from "../../src/core/consensus/transfer.ts";
import type {
  TransferEffect,
  TransferEvent,
  TransferState,
} from "../../src/core/consensus/transfer-state.ts";
import { candidateIndex, epoch, memberIndex } from "../../src/core/consensus/types.ts";
import type { Takeover } from "../../src/core/consensus/validator-state.ts";
import { must } from "../../src/core/types/assert.ts";
import { GENESIS, lineIn, reportBy, takeoverBy } from "./lines.ts";
import { Proposals } from "./proposals.ts";

class Candidate {
  state: TransferState = IDLE_TRANSFER;
  nowMs = 0;

  step(event: Untimed<TransferEvent>): readonly TransferEffect[] {
    const { state, effects } = stepTransfer(this.state, { ...event, nowMs: this.nowMs });
    this.state = state;
    return effects;
  }

  elected(term = 1): readonly TransferEffect[] {
    return this.step({
      ...{ is: "elected", rules: TRANSFER_RULES, head: GENESIS, term: epoch(term) },
      ...{ candidate: candidateIndex(1), change: null },
    });
  }

  report(
    by: number,
    tip: Parameters<typeof reportBy>[4],
    accepted: readonly Takeover[] = [],
    term = 1,
  ): readonly TransferEffect[] {
    return this.step({ is: "reported", report: reportBy(by, GENESIS, term, 1, tip), accepted });
  }

  sign(by: number, records = 1): readonly TransferEffect[] {
    const signature = new Uint8Array(64).fill(by);
    return this.step({
      ...{ is: "signed", peer: by, member: memberIndex(by) },
      ...{ byPrevious: Array.from({ length: records }, () => signature), byJoining: null },
    });
  }
}

const line = lineIn(GENESIS, 3);
const at = (height: number) => ({ ackEpoch: 0, chunk: must(line[height], "a line of three") });

describe("[C6] a takeover", () => {
  test("asks every member, inherits the newest reported chunk, and opens with a quorum", () => {
    const candidate = new Candidate();
    expect(candidate.elected().map((effect) => effect.do)).toEqual(Array(4).fill("prepare"));
    candidate.report(0, at(0));
    candidate.report(1, at(2));
    const [write] = candidate.report(2, at(1));
    const takeovers = write?.do === "write" ? write.takeovers : [];
    expect(takeovers.map(({ known }) => known.record.start)).toEqual([
      {
        inherited: { ...at(2).chunk.ref, epoch: 0 },
        keepThrough: 3,
        firstOffset: 3 + 2 ** 20,
      },
    ]);
    const [recover] = candidate.step({ is: "written" });
    expect(recover).toMatchObject({ do: "recover", goal: at(2).chunk.ref, holders: [1, 0, 2] });
    expect(candidate.step({ is: "recovered" }).map((effect) => effect.do)).toEqual(
      Array(4).fill("sign"),
    );
    expect(candidate.sign(3)).toEqual([]);
    expect(candidate.sign(3)).toEqual([]);
    expect(candidate.sign(0)).toEqual([]);
    expect(candidate.sign(1)).toMatchObject([{ do: "opened" }]);
    expect(candidate.state.phase).toBe("idle");
  });

  test("nothing leaves, and the log is not cut, before it is durable that there is a record", () => {
    const candidate = new Candidate();
    candidate.elected();
    const effects = [0, 1, 2].flatMap((by) => candidate.report(by, null));
    expect(effects.map((effect) => effect.do)).toEqual(["write"]);
    expect(candidate.state.phase).toBe("recording");
    candidate.nowMs = 1_000;
    expect(candidate.step({ is: "tick" })).toEqual([]);
  });

  test("a reporter counts once, and only for what was asked", () => {
    const candidate = new Candidate();
    candidate.elected(2);
    for (const term of [1, 3]) candidate.report(0, null, [], term);
    expect(candidate.report(0, null, [], 2)).toEqual([]);
    candidate.report(0, null, [], 2);
    candidate.report(1, null, [], 2);
    expect(candidate.state).toMatchObject({ phase: "collecting" });
    expect(candidate.report(2, null, [], 2)).toMatchObject([{ do: "write" }]);
  });

  test("a record that a reporter signed is continued, and what it inherits with it", () => {
    const earlier = takeoverBy(
      GENESIS,
      1,
      0,
      [0, 1, 2].map((by) => reportBy(by, GENESIS, 1, 0, at(2))),
    );
    const candidate = new Candidate();
    candidate.elected(2);
    candidate.report(0, at(0), [], 2);
    candidate.report(1, at(0), [earlier], 2);
    const [write] = candidate.report(2, at(0), [], 2);
    const takeovers = write?.do === "write" ? write.takeovers : [];
    expect(takeovers.map(({ known }) => known.record.epoch)).toEqual([1, 2]);
    expect(takeovers[1]?.known.record.previous).toBe(earlier.known.hash);
    expect(takeovers[1]?.known.record.start).toMatchObject({ keepThrough: 3 });
    const [recover] = candidate.step({ is: "written" });
    expect(recover).toMatchObject({ goal: at(2).chunk.ref });
    candidate.step({ is: "recovered" });
    candidate.sign(0, 2);
    candidate.sign(1, 2);
    expect(candidate.sign(2, 2)).toMatchObject([{ do: "opened" }]);
  });

  test("ends when somebody has promised a later epoch, or its time is over, or nobody has the line", () => {
    const fenced = new Candidate();
    fenced.elected();
    expect(fenced.step({ is: "fenced", epoch: epoch(1) })).toEqual([]);
    expect(fenced.step({ is: "fenced", epoch: epoch(2) })).toEqual([
      { do: "failed", why: "fenced" },
    ]);
    const late = new Candidate();
    late.elected();
    late.nowMs = TRANSFER_RULES.takeoverMs - 1;
    expect(late.step({ is: "tick" }).every((effect) => effect.do === "prepare")).toBe(true);
    late.nowMs = TRANSFER_RULES.takeoverMs;
    expect(late.step({ is: "tick" })).toEqual([{ do: "failed", why: "timeout" }]);
    const lost = new Candidate();
    lost.elected();
    for (const by of [0, 1, 2]) lost.report(by, at(0));
    lost.step({ is: "written" });
    expect(lost.step({ is: "lost" })).toEqual([{ do: "failed", why: "lost" }]);
  });

  test("an older election does not disturb a newer takeover", () => {
    const candidate = new Candidate();
    candidate.elected(3);
    expect(candidate.elected(2)).toEqual([]);
    expect(candidate.state).toMatchObject({ epoch: 3 });
    expect(candidate.elected(4)).toHaveLength(4);
  });

  test("offsets of two epochs after one chunk never meet", () => {
    const starts = [1, 2, 5].map((term) => {
      const reports = [0, 1, 2].map((by) => reportBy(by, GENESIS, term, 1, at(2)));
      return takeoverBy(GENESIS, term, 1, reports).known.record.start.firstOffset;
    });
    expect(starts).toEqual([3 + 2 ** 20, 3 + 2 * 2 ** 20, 3 + 5 * 2 ** 20]);
  });
});

describe("[C8] a proposal", () => {
  test("has its number on disk before it is sent, and its commit before anybody hears of it", () => {
    const proposals = new Proposals(3);
    const id = proposals.propose("a");
    proposals.holdsWrites = true;
    proposals.vote(id, [0, 1]);
    expect(proposals.committed).toEqual([]);
    expect(() => proposals.propose("b")).toThrow("a proposal is sent");
    proposals.release();
    expect(proposals.committed).toHaveLength(1);
  });

  test("waits for those before it, until they end", () => {
    const proposals = new Proposals(3);
    const [first, second] = [proposals.propose("a"), proposals.propose("b")];
    proposals.vote(second, [0, 1]);
    expect(proposals.committed).toEqual([]);
    proposals.nowMs = 4_999;
    proposals.step({ is: "tick" });
    expect(proposals.others).toEqual([]);
    proposals.nowMs = 5_000;
    proposals.step({ is: "tick" });
    expect(proposals.others).toEqual([{ do: "aborted", id: first.id, cause: "expired" }]);
    expect(proposals.committed.map(({ statement }) => statement)).toEqual([second]);
  });

  test("is rejected when too many deny it; a vote and a denial of one member do not both count", () => {
    const proposals = new Proposals(4);
    const id = proposals.propose("a");
    proposals.deny(id, [0]);
    proposals.vote(id, [0, 1, 2]);
    expect(proposals.committed).toEqual([]);
    proposals.deny(id, [1]);
    expect(proposals.others).toEqual([]);
    proposals.deny(id, [3]);
    expect(proposals.others).toMatchObject([{ do: "aborted", cause: "rejected" }]);
  });

  test("of another term, record or digest gets no votes", () => {
    const proposals = new Proposals(3);
    const id = proposals.propose("a");
    proposals.vote({ ...id, recordHash: GENESIS.hash }, [0, 1]);
    proposals.vote({ ...id, id: { ...id.id, term: epoch(1) } }, [0, 1]);
    proposals.vote({ ...id, digest: GENESIS.hash }, [0, 1]);
    expect(proposals.committed).toEqual([]);
  });

  test.each([
    { pending: 63, refused: 0 },
    { pending: 64, refused: 1 },
  ])("with $pending pending: $refused refused", ({ pending, refused }) => {
    const proposals = new Proposals(3);
    for (let i = 0; i < pending; i++) proposals.propose(`${i}`);
    proposals.step({ is: "propose", digest: GENESIS.hash, ttlMs: null });
    expect(proposals.others.filter((effect) => effect.do === "refused")).toHaveLength(refused);
  });

  test("ends when the term does", () => {
    const proposals = new Proposals(3);
    const { id } = proposals.propose("a");
    proposals.step({ is: "close" });
    expect(proposals.others).toEqual([{ do: "aborted", id, cause: "closed" }]);
    proposals.step({ is: "propose", digest: GENESIS.hash, ttlMs: null });
    expect(proposals.others.at(-1)).toMatchObject({ do: "refused", why: "closed" });
  });
});
