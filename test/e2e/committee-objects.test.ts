/** A committee of four objects on real processes: receipts that hold without a server, and L1 behind them. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TransactionBody } from "../../src/core/api/sequencer-api.ts";
import type { Epochs } from "../../src/sdk/verify-receipt.ts";
import { runCommand } from "../support/command.ts";
import {
  ask,
  certificatesOf,
  committeeOf,
  epochsOf,
  postCertified,
  proofIn,
  startCommittee,
} from "../support/committee-product.ts";
import { account, type Product, until } from "../support/product.ts";
import { size } from "../support/size.ts";
import { expectVerified } from "../support/verified.ts";

let product: Product;
let epochs: Epochs;

beforeAll(async () => {
  product = await startCommittee();
  epochs = await epochsOf(product.stack.url);
});
afterAll(() => product.stop());

describe("an op under a committee of four", () => {
  test("[C2] is answered at once with an ordered receipt that its holder verifies alone", async () => {
    const [from, to] = [account(product, 0), account(product, 1)];
    const { status, body } = await product.post(product.transfer(from, to.address, 5n));
    expect(status).toBe(200);
    const proof = await proofIn(body, epochs);
    expect(proof).toMatchObject({
      tier: "ordered",
      event: { kind: "op", sender: from.address, nonce: 0, offset: body["offset"] },
      promisedBy: { epoch: 0, candidate: "a" },
      certified: null,
      abandonedBy: null,
    });
  });

  test("[C2] is answered with a certified receipt when it waits for that", async () => {
    const from = account(product, 2);
    for (let nonce = 0; nonce < size(5, 100); nonce++) {
      const { status, body } = await postCertified(product, from, account(product, 3).address);
      expect(status).toBe(200);
      const proof = await proofIn(body, epochs);
      expect(proof).toMatchObject({ tier: "certified", event: { nonce, offset: body["offset"] } });
      expect(proof.certified?.quorum).toBe(3);
      expect(proof.certified?.signers.length).toBeGreaterThanOrEqual(3);
    }
  });

  test("[C2] is ordered, certified, posted and settled, and its newest receipt is there all the time", async () => {
    const [from, to] = [account(product, 4), account(product, 5)];
    expect((await product.post(product.transfer(from, to.address, 5n))).status).toBe(200);
    const states = new Set<string>();
    await until(
      async () => {
        const body = await product.transaction(from.address, 0);
        states.add(body.state);
        const { tier, event } = await proofIn({ ...body }, epochs);
        expect([tier, event]).toMatchObject([
          body.state === "ordered" ? "ordered" : "certified",
          { kind: "op", offset: body.offset },
        ]);
        return body.state;
      },
      (state) => state === "settled",
      30_000,
    );
    // It may be certified before anybody can ask.
    states.delete("ordered");
    expect([...states]).toEqual(["certified", "posted", "settled"]);
  });

  test("[C2] is under the certificates that everybody can ask for", async () => {
    const { url } = product.stack;
    const { body } = await postCertified(product, account(product, 4), account(product, 5).address);
    const { chunk } = await proofIn(body, epochs);
    const all = await certificatesOf(url);
    const heights = all.map((one) => one.chunk.height);
    expect(heights).toEqual([...new Set(heights)].sort((a, b) => a - b));
    const covering = await ask(`${url}/certificates/${chunk.height}`);
    const first = all.find((one) => one.chunk.height >= chunk.height);
    expect(covering).toMatchObject({ epoch: 0, height: first?.chunk.height });
    expect(await committeeOf(url)).toMatchObject({
      ...{ epoch: 0, leader: "a", is_leader: true, reachable: 4, quorum: 3 },
      ...{ evidence: 0, reason: null, certified_height: heights.at(-1) },
    });
  });

  test("[V4] is executed by L1 as it was promised", async () => {
    const ran = await expectVerified(product);
    expect(ran.json()).toMatchObject({ verdict: "agree", outcomes: { "batch-rejected": 0 } });
  });
});

describe("baton verify-receipt", () => {
  const saved = (name: string, value: object): string => {
    const file = join(product.dataDir, name);
    writeFileSync(file, JSON.stringify(value));
    return file;
  };

  test("[C2] says 0 of a saved answer, with saved epochs and no server", async () => {
    const { body } = await postCertified(product, account(product, 6), account(product, 7).address);
    const answer = saved("answer.json", body);
    const records = saved("epochs.json", epochs);
    const args = ["--genesis", epochs.genesis, "--json"];
    const ran = await runCommand(["verify-receipt", answer, "--epochs", records, ...args]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.json()).toMatchObject({ verdict: "proven", tier: "certified", trusted: {} });
  });

  test("[C2] says 0 of what GET /tx answers, with the epochs of the sequencer", async () => {
    const { url } = product.stack;
    const path = `${url}/tx/${account(product, 6).address}/0`;
    const answer = saved("transaction.json", await ask<TransactionBody>(path));
    const ran = await runCommand(["verify-receipt", answer, "--epochs", url]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test.each(["header", "signature", "event", "certificate"])(
    "[C2] says 1 when the %s is not what it was",
    async (field) => {
      const { url } = product.stack;
      const path = `${url}/tx/${account(product, 6).address}/0`;
      const { receipt } = await ask<{ receipt: Record<string, string> }>(path);
      const text = receipt[field] ?? "";
      const other = `${text.slice(0, -1)}${text.endsWith("0") ? "1" : "0"}`;
      const answer = saved("tampered.json", { receipt: { ...receipt, [field]: other } });
      const args = ["--epochs", url, "--genesis", epochs.genesis, "--json"];
      const ran = await runCommand(["verify-receipt", answer, ...args]);
      expect(ran.exitCode).toBe(1);
      expect(ran.json()).toMatchObject({ verdict: "refuted" });
    },
  );
});
