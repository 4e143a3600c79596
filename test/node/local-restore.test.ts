/** Which files of an earlier run may be gone on from. */

import { describe, expect, test } from "vitest";
import { lastRefusal } from "../../src/local/readiness.ts";
import {
  checkGenesis,
  checkHead,
  decideStart,
  describeRefusal,
  describeStall,
  type Leftover,
} from "../../src/local/restore.ts";

const nothing: Leftover = { hasDevnet: false, hasChain: false, hasDatabase: false };

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
    expect(lastRefusal("")).toBeNull();
    expect(describeRefusal("identity-mismatch")).toMatch(/^[^\n]*identity-mismatch[^\n]*--fresh$/);
    expect(describeRefusal(null)).toMatch(/^[^\n]*--fresh$/);
    expect(describeStall("starting", 60)).toMatch(/^[^\n]*starting after 60 s[^\n]*--fresh$/);
  });
});
