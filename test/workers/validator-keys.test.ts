/** A validator's key: made once, sealed, and of no use without the deployment's secret (C9). */

import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fromHex } from "../../src/core/types/hex.ts";
import { OPERATOR_TOKEN } from "../support/variables.ts";
import { call, get, refusalOf } from "./requests.ts";
import { catchMessages, configure, found, validator, value } from "./support/committee-rig.ts";

beforeEach(() => {
  configure();
  catchMessages();
});
afterEach(() => void vi.restoreAllMocks());

describe("[C9] a validator's key", () => {
  test("is made once and stays over restarts", async () => {
    const card = value(await validator("v0").keyCard());
    expect(card).toEqual({
      key: expect.stringMatching(/^0x0[23][0-9a-f]{64}$/),
      ...{ proof: "0x", scheme: "p256", generation: 0 },
    });
    await evictDurableObject(validator("v0"));
    expect(value(await validator("v0").keyCard())).toEqual(card);
    expect(value(await validator("v1").keyCard()).key).not.toBe(card.key);
  });

  test("lies sealed in the database, bound to its name and generation", async () => {
    await validator("v2").keyCard();
    await validator("v3").keyCard();
    const rows = await Promise.all(
      ["v2", "v3"].map((name) =>
        runInDurableObject(validator(name), (_, { storage }) =>
          storage.sql
            .exec<{ public_key: ArrayBuffer; nonce: ArrayBuffer; sealed: ArrayBuffer }>(
              "SELECT public_key, nonce, sealed FROM member_keys",
            )
            .one(),
        ),
      ),
    );
    const [own, other] = rows;
    if (own === undefined || other === undefined) return expect.fail("two keys");
    // PKCS#8 holds the public key in the clear; sealed bytes do not.
    const point = new Uint8Array(own.public_key).slice(1);
    expect(Buffer.from(own.sealed).includes(Buffer.from(point))).toBe(false);
    await runInDurableObject(validator("v3"), (_, { storage }) => {
      storage.sql.exec("DROP TRIGGER member_keys_immutable");
      storage.sql.exec(
        "UPDATE member_keys SET public_key = ?, nonce = ?, sealed = ?",
        new Uint8Array(own.public_key),
        new Uint8Array(own.nonce),
        new Uint8Array(own.sealed),
      );
    });
    await evictDurableObject(validator("v3"));
    expect((await validator("v3").keyCard()).ok).toBe(false);
  });

  test("is refused clearly under another KEK, and opens again under its own", async () => {
    const card = value(await validator("v4").keyCard());
    configure({ SEQ_VALIDATOR_KEK: `0x${"11".repeat(32)}` });
    await evictDurableObject(validator("v4"));
    const refused = await get("/committee/validator/v4/key");
    expect(await refusalOf(refused)).toEqual([
      ...[503, "UNAVAILABLE"],
      "the key was sealed with another SEQ_VALIDATOR_KEK",
    ]);
    const status = value(await validator("v4").status());
    expect(status.fault).toBe("key-wrong");
    configure();
    await evictDurableObject(validator("v4"));
    expect(value(await validator("v4").keyCard())).toEqual(card);
  });

  test("is followed by another when the operator says so, and no record lists that one", async () => {
    const committee = await found(["v5"]);
    const before = value(await validator("v5").keyCard());
    expect(value(await validator("v5").status()).is_member).toBe(true);
    const path = "/operator/committee/rekey?member=object:validator/v5";
    expect((await call("POST", path)).status).toBe(401);
    const authorization = `Bearer ${OPERATOR_TOKEN}`;
    const response = await call("POST", path, { authorization });
    const after = value(await validator("v5").keyCard());
    expect(await response.json()).toEqual(after);
    expect(after.generation).toBe(1);
    expect(after.key).not.toBe(before.key);
    await abortAllDurableObjects();
    expect(value(await validator("v5").keyCard())).toEqual(after);
    const status = value(await validator("v5").status());
    expect([status.is_member, status.epoch]).toEqual([false, 0]);
    expect(committee.known.record.members.map(({ key }) => key)).toEqual([fromHex(before.key)]);
  });
});

test("[C9] only members that the configuration names exist", async () => {
  const own = await get("/committee/validator/v6/key");
  expect(await own.json()).toEqual(value(await validator("v6").keyCard()));
  for (const path of [
    "validator/v99/key",
    "sequencer/one/key",
    "sequencer/x/key",
    "relay/v1/key",
  ]) {
    expect(await refusalOf(await get(`/committee/${path}`))).toEqual([
      ...[404, "NOT_FOUND", "no such member"],
    ]);
  }
});
