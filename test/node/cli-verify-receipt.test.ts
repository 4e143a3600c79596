/** `baton verify-receipt`: what it says of receipts that hold, that do not, and of what is none. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ChunkEvent } from "../../src/core/chunk/event.ts";
import { encodeSignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import { certifiedReceipt, type Receipt } from "../../src/core/consensus/receipt.ts";
import { formatReceipt } from "../../src/core/consensus/receipt-json.ts";
import { epoch } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { checksumAddress } from "../../src/core/wire/address.ts";
import { addressOfPublicKey } from "../../src/core/wire/signature.ts";
import { domainSeparator } from "../../src/core/wire/user-op.ts";
import { signOp } from "../../src/local/sign-op.ts";
import { send } from "../support/claiming-server.ts";
import { type RunOptions, runCommand } from "../support/command.ts";
import {
  APP,
  CHAIN_ID,
  certify,
  chunkAfter,
  nextRecord,
  opAt,
  receiptOf,
  sequencers,
  signHeader,
  signRecord,
} from "../support/committee.ts";
import { example, signersAt } from "../support/committee-example.ts";

const KEY = new Uint8Array(32).fill(7);
const SENDER = addressOfPublicKey(secp256k1.getPublicKey(KEY, false));
const one = example();
const [first, second] = [one.first, one.second];
const records = [one.genesis, one.successor].map((record) => toHex(encodeSignedRecord(record)));
const genesis = first.hash;

/** The op of the fixtures at this offset, signed by its sender. */
function signedOpAt(at: number): ChunkEvent {
  const op = opAt(at);
  if (op.kind !== "op") return expect.unreachable();
  const separator = domainSeparator({ chainId: CHAIN_ID, verifyingContract: APP });
  const body: { signature: string } = JSON.parse(
    signOp(separator, { address: SENDER, key: KEY }, op),
  );
  const signature = Uint8Array.from(Buffer.from(body.signature.slice(2), "hex"));
  return { ...op, sender: SENDER, signature };
}

const chunk = chunkAfter(null, [signedOpAt(1), signedOpAt(2)]);
const later = chunkAfter(chunk, [opAt(3)]);
const quorum = signersAt(one.validators, [0, 1, 3]);
const ordered = receiptOf(chunk, 1);
const certificate = certify(first, quorum, later.ref);
const certified = certifiedReceipt(ordered, [later.header.header], certificate);

let folder: string;
let server: Server;
let url: string;
/** What `/epochs` holds, in pages of one. */
let served: readonly string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "baton-receipt-"));
  server = createServer(({ url: path = "" }, response) => {
    if (!path.startsWith("/epochs")) return send(response, 404, NONE);
    const after = Number(new URL(path, url).searchParams.get("after") ?? -1);
    send(response, 200, { genesis, records: served.slice(after + 1, after + 2) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  served = records;
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const NONE = { ok: false, code: "NOT_FOUND", message: "not found" };

function save(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return name;
}

const epochsFile = (some: readonly string[] = records.slice(0, 1)): string =>
  save("epochs.json", JSON.stringify({ records: some, genesis }));

/** Verified with the first epoch's record, unless `args` say otherwise. */
function verify(receipt: Receipt | string, args: readonly string[] = [], options: RunOptions = {}) {
  const text = typeof receipt === "string" ? receipt : formatReceipt(receipt);
  const given = args.includes("--epochs") ? [] : ["--epochs", epochsFile()];
  const file = save("receipt.json", text);
  return runCommand(["verify-receipt", file, ...given, ...args], { directory: folder, ...options });
}

const PINNED = ["--genesis", genesis];

describe("[C2] a receipt that holds is 0", () => {
  test("certified: who signed what, what can still happen, and what it does not prove", async () => {
    const ran = await verify(certified, PINNED);
    expect([ran.exitCode, ran.stderr]).toEqual([0, ""]);
    expect(ran.stdout.trimEnd().split("\n").slice(2)).toEqual([
      "Certified: 3 of 4 validators of epoch 0 signed that they store the order in which the " +
        `operation with nonce 2 of ${checksumAddress(SENDER)} stands at offset 2, as sequencer one of epoch 0 ` +
        "promised; while sequencers and validators keep their word only a recovery on L1 can void it, and this " +
        "receipt with the certified receipt of that rollback proves the broken promise.",
      "It does not prove that L1 accepts it, or that nothing has voided it since, or that the " +
        "operation does what its sender wants when it is executed.",
    ]);
  });

  test("ordered: the word of one sequencer", async () => {
    const ran = await verify(ordered, PINNED);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain("Ordered: sequencer one of epoch 0 signed that the operation");
    expect(ran.stdout).toContain("no validator has confirmed it, so a new leader or a recovery");
  });

  test("a rollback says which offsets it voids, and what it is good for", async () => {
    const ran = await verify(one.rollback, ["--epochs", epochsFile(records), ...PINNED]);
    expect(ran.exitCode).toBe(0);
    const { firstOffset } = second.record.start;
    expect(ran.stdout).toContain(`voids every offset above 6 and below ${firstOffset}`);
    expect(ran.stdout).toContain("it proves that the promise was broken");
  });

  test("an epoch that went on without it voids an ordered one, and convicts the signers of a certified one", async () => {
    const next = nextRecord(first, one.validators, null, { epoch: epoch(1) });
    const handing = { before: first.record, signers: one.validators.slice(1) };
    const abandoning = signRecord(next, one.validators, handing);
    const some = epochsFile([must(records[0], "a record"), toHex(encodeSignedRecord(abandoning))]);
    const args = ["--epochs", some, ...PINNED];
    const lost = await verify(ordered, args);
    expect(lost.exitCode).toBe(0);
    expect(lost.stdout).toContain("; epoch 1 went on without it, so it is void.");
    const broken = await verify(certified, [...args, "--json"]);
    expect(broken.json()).toMatchObject({ verdict: "proven", abandoned_by: 1 });
    expect(String(broken.json()["says"])).toContain("so validators broke their word");
  });

  test("with --json all of it is one object", async () => {
    const ran = await verify(certified, [...PINNED, "--json"]);
    expect(ran.json()).toMatchObject({
      command: "verify-receipt",
      verdict: "proven",
      tier: "certified",
      genesis,
      trusted: {},
      event: { kind: "op", offset: 2, nonce: 2, batch_nonce: 3, data: toHex(Buffer.from("op 2")) },
      chain_id: CHAIN_ID,
      era: "42424242-4242-4242-4242-424242424242",
      chunk: { height: 0, hash: chunk.ref.hash, epoch: 0, index: 1 },
      promised_by: { epoch: 0, sequencer: "one" },
      certified: { epoch: 0, height: 1, signers: [0, 1, 3], members: 4, quorum: 3 },
      abandoned_by: null,
    });
  });
});

describe("[C2] where receipt and epochs come from", () => {
  test.each(["POST /tx", "GET /tx"])("a whole answer of %s", async (route) => {
    const receipt: unknown = JSON.parse(formatReceipt(certified));
    const answer =
      route === "POST /tx" ? { ok: true, nonce: 2, receipt } : { state: "posted", receipt };
    expect((await verify(JSON.stringify(answer), PINNED)).exitCode).toBe(0);
  });

  test("stdin", async () => {
    const args = ["verify-receipt", "-", "--epochs", epochsFile(), ...PINNED];
    const options = { directory: folder, stdin: formatReceipt(ordered) };
    expect((await runCommand(args, options)).exitCode).toBe(0);
  });

  test("a sequencer, page by page; without --genesis its word for the first is told", async () => {
    const ran = await verify(one.rollback, ["--epochs", url, "--json"]);
    expect([ran.exitCode, ran.json()["trusted"]]).toEqual([0, { genesis }]);
    const spoken = await verify(one.rollback, ["--epochs", url]);
    expect(spoken.stdout).toContain(
      `taken on trust from the source of the epochs:\n  genesis ${genesis}`,
    );
  });
});

describe("[C2] a receipt that does not hold is 1", () => {
  const { header } = ordered.header;
  const bare = { ...ordered, tier: "ordered" } as const;
  const few = certify(
    { ...first, record: { ...first.record, quorum: 2 } },
    quorum.slice(1),
    chunk.ref,
  );
  test.each<[string, Receipt, RegExp]>([
    ["signature", { ...bare, header: signHeader(header, sequencers.two) }, /a signature in it/],
    ["path", { ...bare, index: 0 }, /is not part of the chunk/],
    [
      "header",
      { ...bare, header: signHeader({ ...header, chainId: 1 }) },
      /none of this deployment/,
    ],
    ["links", certifiedReceipt(ordered, [], certificate), /do not lead/],
    ["quorum", certifiedReceipt(ordered, [], few), /fewer signatures than the quorum/],
    ["op-signature", receiptOf(chunkAfter(null, [opAt(1)]), 0), /did not sign the operation/],
  ])("%s", async (problem, receipt, says) => {
    const ran = await verify(receipt, [...PINNED, "--json"]);
    expect([ran.exitCode, ran.stderr]).toEqual([1, ""]);
    expect(ran.json()).toMatchObject({ verdict: "refuted", problem });
    expect(ran.json()["says"]).toMatch(says);
  });
});

describe("[C2] what cannot be told is 2", () => {
  test.each<[string, string, readonly string[], string]>([
    ["no receipt", "{}", [], "this is no receipt: not a receipt"],
    ["no JSON", "hello", [], "this is no receipt: not a receipt"],
    ["an answer without one", '{"ok":true,"receipt":null}', [], "the answer holds no receipt"],
    ["another committee", formatReceipt(ordered), ["--genesis", second.hash], "do not begin with"],
    [
      "records that do not follow",
      formatReceipt(ordered),
      ["--epochs", "twice.json"],
      "no valid chain: link",
    ],
    ["no record of its epoch", formatReceipt(one.rollback), [], "the chunk is of epoch 1"],
    [
      "epochs of another shape",
      formatReceipt(ordered),
      ["--epochs", "receipt.json"],
      "has not the shape",
    ],
    [
      "no such epochs",
      formatReceipt(ordered),
      ["--epochs", "none.json"],
      "the file cannot be read",
    ],
    ["no epochs at all", formatReceipt(ordered), ["--epochs", "empty.json"], "no committee"],
    ["no pin at all", formatReceipt(ordered), ["--epochs", "bare.json"], "give --genesis"],
  ])("%s", async (_, text, args, says) => {
    save("twice.json", JSON.stringify({ genesis, records: [records[0], records[0]] }));
    save("empty.json", JSON.stringify({ records: [], genesis: null }));
    save("bare.json", JSON.stringify({ records }));
    const ran = await verify(text, args);
    expect([ran.exitCode, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toContain(says);
    expect((await verify(text, [...args, "--json"])).json()).toMatchObject({
      command: "verify-receipt",
    });
  });

  test("a sequencer that serves no epochs, or serves one page again and again", async () => {
    const none = await verify(ordered, ["--epochs", `${url}/elsewhere`]);
    expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining("404 NOT_FOUND")]);
    served = [
      must(records[0], "a record"),
      must(records[0], "a record"),
      must(records[0], "a record"),
    ];
    const again = await verify(ordered, ["--epochs", url]);
    expect(again.exitCode).toBe(2);
  });

  test.each([[[]], [["receipt.json", "another"]], [["-", "--genesis", "0x12"]], [["--nope"]]])(
    "the command line %j",
    async (args) => {
      const ran = await runCommand(["verify-receipt", ...args], { directory: folder });
      expect([ran.exitCode, ran.stdout]).toEqual([2, ""]);
    },
  );

  test("help says so, and is 0", async () => {
    const ran = await runCommand(["verify-receipt", "--help"]);
    expect(ran.exitCode).toBe(0);
    expect(ran.stdout).toContain("0 proven, 1 refuted, 2 it could not be told");
  });
});
