/** The examples say what they do, and the library that they import stands alone. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { buildLibrary } from "../../scripts/build-library.ts";
import { LocalCommittee } from "../../src/consensus/local-committee.ts";
import type { PayloadType } from "../../src/consensus/payload.ts";
import { digestOf, verifyCertificate } from "../../src/consensus/platform.ts";
import type { SchemeId } from "../../src/core/consensus/types.ts";
import { filesUnder, importsOf } from "../support/tree.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const EXAMPLES = ["basic", "custom-payload", "static-sequencer"] as const;

beforeAll(buildLibrary);

function run(name: string): readonly string[] {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", join(ROOT, "scripts/example.ts"), name],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([0, ""]);
  return stdout.trimEnd().split("\n");
}

describe("[C5] the examples", () => {
  test("basic: three of four certify, two do not", () => {
    expect(run("basic")).toEqual([
      "alice leads: true",
      '"hello baton" is certified by 3 of 4, in 276 bytes',
      "  the certificate verifies without asking anybody: true",
      "one of four validators stops",
      '"three are a quorum" is certified by 3 of 4, in 276 bytes',
      "  the certificate verifies without asking anybody: true",
      "another one stops",
      '"two are not" is not certified: timeout',
      'accepted: "two are not"',
      'certified: "three are a quorum"',
    ]);
  });

  test("custom-payload: another parent is refused, and what the validators refuse is not certified", () => {
    expect(run("custom-payload")).toEqual([
      expect.stringMatching(/^genesis 0x[0-9a-f]{64}$/),
      expect.stringMatching(/^block 1 0x[0-9a-f]{64}$/),
      "its parent is genesis: true",
      "it comes back from its bytes: true",
      'block "one": certified',
      'block "stray": parent',
      'block "early": timeout',
    ]);
  });

  test("static-sequencer: leaders take turns over one log", () => {
    expect(run("static-sequencer")).toEqual([
      "epoch 0: alice leads (true, false, false)",
      "  note 0 is certified",
      "epoch 1: bob leads (false, true, false)",
      "  note 1 is certified",
      "epoch 2: carol leads (false, false, true)",
      "  note 2 is certified",
      "epoch 3: alice leads (true, false, false)",
      "  note 3 is certified",
      "one log through all epochs: alice, bob, carol",
      "a single sequencer hands over: not-supported",
    ]);
  });

  test.each(EXAMPLES)("%s needs nothing but the library, and has its own command", (name) => {
    expect(importsOf(`examples/${name}/main.ts`)).toEqual(["baton-sequencer/consensus"]);
    expect(manifest.scripts[`example:${name}`]).toContain(`scripts/example.ts ${name}`);
  });
});

describe("the library as it is built", () => {
  const { types, default: entry } = manifest.exports["./consensus"];

  test("is where the package says, with its types", () => {
    for (const path of [types, entry]) expect(existsSync(join(ROOT, path))).toBe(true);
    expect(manifest.files).toContain("build/library");
  });

  test("imports itself and the curves alone, but for the Worker", () => {
    const worker = /^build\/library\/(worker|durable-objects|l1)\//;
    const files = filesUnder("build/library").filter(
      (file) => file.endsWith(".js") && !worker.test(file),
    );
    expect(files.length).toBeGreaterThan(0);
    const others = files
      .flatMap((file) => importsOf(file))
      .filter((target) => !target.startsWith("./") && !target.startsWith("../"))
      .filter((target) => !target.startsWith("@noble/"));
    expect(others).toEqual([]);
  });
});

describe("[C3, C5] a local committee", () => {
  const bytes: PayloadType<Uint8Array> = {
    height: (payload) => payload[0] ?? 0,
    parent: () => null,
    encode: (payload) => payload,
    decode: (payload) => payload,
    digest: digestOf,
  };

  test.each<[SchemeId, number, number]>([
    ["p256", 1, 1],
    ["ed25519", 5, 3],
    ["bls12381", 3, 2],
  ])("certifies under %s with %i validators by a majority", async (scheme, validators, quorum) => {
    const committee = await LocalCommittee.start({
      ...{ type: bytes, sequencers: ["one", "two"], scheme, validators },
    });
    const committed = await committee.sequencer("one").commit(new Uint8Array([0]));
    if (!committed.ok) return expect.unreachable(committed.error.reason);
    const { certificate } = committed.value;
    expect(certificate.signatures.signers.length).toBeGreaterThanOrEqual(quorum);
    expect(await verifyCertificate(certificate, committee.genesis)).toBe(true);
    const { chunk } = certificate;
    const forged = { ...certificate, chunk: { ...chunk, hash: committee.genesis.hash } };
    expect(await verifyCertificate(forged, committee.genesis)).toBe(false);
    expect(() => committee.sequencer("three")).toThrow("is one of the candidates");
    committee.stop();
    expect(await committee.sequencer("one").commit(new Uint8Array([1]))).toEqual({
      ok: false,
      error: { reason: "stopped" },
    });
  });
});
