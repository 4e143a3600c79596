/** Which files of an earlier run may be gone on from. */

import { describe, expect, test } from "vitest";
import { lastRefusal } from "../../src/local/readiness.ts";
import {
  checkGenesis,
  checkHead,
  decideStart,
  describeRebuild,
  describeRefusal,
  describeStall,
  type Leftover,
} from "../../src/local/restore.ts";
import { rebuildVariables } from "../../src/local/variables.ts";

const nothing: Leftover = { hasDevnet: false, hasChain: false, hasDatabase: false };

test("[R5] a rebuild is offered with the words to type, and no secret among them", () => {
  const variables = rebuildVariables({
    SEQ_CHAIN_ID: "31337",
    SEQ_BATCH_SUBMITTER_PRIVATE_KEY: "0xsecret",
    SEQ_OPERATOR_TOKEN: "secret",
    SEQ_RETENTION_DAYS: "1",
  });
  const text = describeRebuild("http://127.0.0.1:3000", "http://127.0.0.1:8545", variables);
  expect(text).toContain(
    "SEQ_CHAIN_ID=31337 SEQ_BATCH_SUBMITTER_PRIVATE_KEY=… SEQ_OPERATOR_TOKEN=… npm",
  );
  expect(text).toContain("rebuild http://127.0.0.1:3000 --rpc-url http://127.0.0.1:8545");
  expect(text).not.toMatch(/secret|RETENTION/);
});

describe("what is in the data directory", () => {
  test.each([
    ["nothing", nothing],
    ["a chain that nobody wrote down", { ...nothing, hasChain: true }],
    ["a record whose chain is lost, and nothing else", { ...nothing, hasDevnet: true }],
  ])("%s: begins a chain", (_, leftover) => {
    expect(decideStart(leftover)).toBe("new");
  });

  test.each([
    ["a chain that no sequencer has seen", { hasDevnet: true, hasChain: true, hasDatabase: false }],
    ["everything", { hasDevnet: true, hasChain: true, hasDatabase: true }],
  ])("%s: goes on", (_, leftover) => {
    expect(decideStart(leftover)).toBe("resume");
  });

  test.each([
    ["a database without a chain", { hasDevnet: true, hasChain: false, hasDatabase: true }],
    ["a database without a record", { hasDevnet: false, hasChain: true, hasDatabase: true }],
    ["a database alone", { ...nothing, hasDatabase: true }],
  ])("%s: one line that names --fresh", (_, leftover) => {
    expect(() => decideStart(leftover)).toThrow(/^[^\n]*npm start -- --fresh$/);
  });
});

describe("the chain that was loaded", () => {
  test("has the genesis that was written down", () => {
    expect(() => checkGenesis("0xaa", "0xaa")).not.toThrow();
    expect(() => checkGenesis("0xaa", "0xbb")).toThrow(/^[^\n]*npm start -- --fresh$/);
  });

  test("holds every block that the database has seen", () => {
    expect(() => checkHead(10, null)).not.toThrow();
    expect(() => checkHead(10, 10)).not.toThrow();
    expect(() => checkHead(10, 11)).toThrow(/^[^\n]*block 10\b[^\n]*block 11\b[^\n]*--fresh$/);
  });
});

describe("a sequencer that does not serve", () => {
  test("is described by its newest refusal", () => {
    const log = [
      '{"level":"error","event":"mode","from":"starting","to":"refused","refusal":"fault"}',
      '{"level":"info","event":"mode","from":"refused","to":"starting","refusal":null}',
      '{"level":"error","event":"mode","from":"starting","to":"refused","refusal":"identity-mismatch"}',
      "",
    ].join("\n");
    expect(lastRefusal(log)).toBe("identity-mismatch");
    expect(lastRefusal(log.replace("identity-mismatch", "l1-view-stale"))).toBe("l1-view-stale");
    expect(lastRefusal("")).toBeNull();
    expect(describeRefusal("identity-mismatch")).toMatch(/^[^\n]*identity-mismatch[^\n]*--fresh$/);
    expect(describeRefusal(null)).toMatch(/^[^\n]*--fresh$/);
    expect(describeStall("starting", 60)).toMatch(/^[^\n]*starting after 60 s[^\n]*--fresh$/);
  });
});
