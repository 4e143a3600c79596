/** `baton verify` against the product: an honest one, one with an altered balance, one that is gone. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { must } from "../../src/core/types/assert.ts";
import { type Address, toHex } from "../../src/core/types/hex.ts";
import { withDatabase } from "../support/database.ts";
import { account, type Product, startProduct, until } from "../support/product.ts";
import { expectVerified, runVerify } from "../support/verified.ts";

const ROOT = join(import.meta.dirname, "../..");

let product: Product;

beforeAll(async () => {
  product = await startProduct();
  const [from, to] = [account(product, 0), account(product, 1)];
  for (let i = 0; i < 5; i++) {
    expect((await product.post(product.transfer(from, to.address, 10n))).status).toBe(200);
  }
  await until(
    () => product.transaction(from.address, 4),
    (body) => body.state === "settled",
    60_000,
  );
});
afterAll(() => product.stop());

describe("[V4] baton verify", () => {
  test("says 0, and no batch of an honest sequencer was ever rejected", async () => {
    const ran = await expectVerified(product);
    expect(ran.json()).toMatchObject({
      verdict: "agree",
      compared_bytes: true,
      outcomes: { "batch-rejected": 0, "batch-skipped-stale": 0 },
    });
  });

  test("as npm runs it prints one JSON object and nothing else", () => {
    const { url, rpcUrl } = product.stack;
    const ran = spawnSync("npm", ["run", "-s", "baton", "--", "verify", url, "--json"], {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, SEQ_ETH_RPC_URL: rpcUrl },
    });
    expect([ran.status, ran.stderr]).toEqual([0, ""]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ verdict: "agree", compared_bytes: false });
  });

  test("says 1 when L1 or the sequencer cannot be reached", async () => {
    const elsewhere = await runVerify(product, ["--rpc-url", "http://127.0.0.1:9/a-key"]);
    expect(elsewhere).toMatchObject({ exitCode: 1, stderr: "L1: unreachable\n" });
    await product.stack.killWorkerd();
    const gone = await runVerify(product);
    expect(gone.exitCode).toBe(1);
    expect(gone.json()).toEqual({ command: "verify", error: gone.stderr.trimEnd() });
    await product.stack.restartWorkerd();
  });

  test("says 2 and where, once a balance in the database is another one", async () => {
    await product.stack.killWorkerd();
    const offset = withDatabase(product, (db) => alterBalance(db, account(product, 0).address));
    await product.stack.restartWorkerd();
    const ran = await runVerify(product);
    expect(ran.exitCode).toBe(2);
    const { difference } = ran.json() as { difference: Record<string, string> };
    expect(difference).toMatchObject({ offset });
    expect(Number(difference["sequencer"]) ^ Number(difference["l1"])).toBe(1);
  });
});

type Parts = { snapshot_id: number; part: number; bytes: Uint8Array };

/** Turns a bit of the account's balance in every snapshot; the last byte's offset in the state. */
function alterBalance(db: Parameters<Parameters<typeof withDatabase>[1]>[0], of: Address): number {
  const rows = db.prepare("SELECT snapshot_id, part, bytes FROM snapshot_parts").all() as Parts[];
  const offsets = rows.flatMap(({ snapshot_id: id, part, bytes }) => {
    const offset = balanceOffset(bytes, of);
    if (offset === null) return [];
    const other = Uint8Array.from(bytes);
    other[offset] = must(other[offset], "the offset is in the state") ^ 1;
    db.prepare("UPDATE snapshot_parts SET bytes = ? WHERE snapshot_id = ? AND part = ?").run(
      other,
      id,
      part,
    );
    return [offset];
  });
  return must(offsets[0], "the account is in a snapshot");
}

/** Of the lowest byte of the account's balance in the wallet's bytes (P§2.5). */
function balanceOffset(state: Uint8Array, of: Address): number | null {
  const view = new DataView(state.buffer, state.byteOffset);
  const end = view.getUint32(64, true);
  for (let at = 84; at < end; at += 52) {
    if (toHex(state.subarray(at, at + 20)) === of) return at + 51;
  }
  return null;
}
