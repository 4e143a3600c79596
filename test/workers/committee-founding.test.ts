/** The founding: epoch 0, signed by every member, here and in other deployments, once and for all (C9). */

import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import type { FoundingBody, FoundingOrder, KeyCard } from "../../src/core/api/committee-api.ts";
import type { Rejection } from "../../src/core/api/rejection.ts";
import { parseConfig } from "../../src/core/config/config.ts";
import { decodeSignedRecord, encodeSignedRecord } from "../../src/core/consensus/epoch-chain.ts";
import { encodeRecord, knownRecord } from "../../src/core/consensus/epoch-record-bytes.ts";
import { toHex } from "../../src/core/types/hex.ts";
import { ok, type Result } from "../../src/core/types/result.ts";
import { batchNonce, unixMs } from "../../src/core/types/units.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { foundCommittee } from "../../src/durable-objects/sequencer/found.ts";
import { PLATFORM } from "../../src/durable-objects/sequencer/runtime.ts";
import {
  insertSignedRecord,
  loadGenesisHash,
  loadSignedRecords,
} from "../../src/durable-objects/sequencer/storage/epochs.ts";
import { insertHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import {
  type FoundingMember,
  foundingClient,
} from "../../src/durable-objects/shared/founding-client.ts";
import { keccak } from "../../src/worker/curve.ts";
import { ERA, recordOf, sequencers, signersOf, signRecord } from "../support/committee.ts";
import { OPERATOR_TOKEN } from "../support/variables.ts";
import { ORIGIN, refusalOf } from "./requests.ts";
import {
  COMMITTEE_VARIABLES,
  catchMessages,
  configure,
  found,
  objectOf,
  propose,
  validator,
  value,
} from "./support/committee-rig.ts";

const urlOf = (name: string): string => `${ORIGIN}/committee/validator/${name}`;
const UNFIT = "these members and this quorum make no committee";
const NO_ORDER: FoundingOrder = { quorum: null, scheme: null, tokens: {} };
const MOUNTED = { application: walletApplication, keccak };
let next = 0;

beforeEach(() => {
  configure();
  // Another deployment is the same Worker, reached by its URL.
  catchMessages(async (request) =>
    request.url.startsWith(ORIGIN) ? await exports.default.fetch(request) : null,
  );
});
afterEach(() => void vi.restoreAllMocks());

/** The founding of a candidate with a history, as its object does it. */
async function order(
  candidate: string,
  validators: string,
  how: { readonly order?: Partial<FoundingOrder>; readonly down?: string } = {},
) {
  const vars = {
    ...COMMITTEE_VARIABLES,
    SEQ_CANDIDATES: `${candidate}=object:sequencer/${candidate}`,
    SEQ_VALIDATORS: validators,
  };
  const parsed = parseConfig(vars, walletApplication, addressOfPrivateKey);
  const config = parsed.ok ? parsed.value : expect.fail(JSON.stringify(parsed.error));
  const { publicKey, scheme } = sequencers.one;
  const card: KeyCard = { key: toHex(publicKey), proof: "0x", scheme, generation: 0 };
  const wanted: FoundingOrder = { ...NO_ORDER, ...how.order };
  const object = env.SEQUENCER.getByName(`founding-${candidate}`);
  return await runInDurableObject(object, async (_, { storage }) => {
    const { sql } = storage;
    if (sql.exec("SELECT 1 FROM history").toArray().length === 0) {
      const history = { era: ERA, anchorNonce: batchNonce(0), base: null };
      insertHistory(sql, history, unixMs(0));
    }
    const member = ({ name }: { readonly name: string }): FoundingMember =>
      name === how.down ? expect.fail("it is down") : validator(name);
    const client = foundingClient(member, wanted.tokens);
    const runtime = { ...PLATFORM, ...MOUNTED, storage, sql, config };
    const own = { id: candidate, card };
    const body = await foundCommittee({ runtime, own, client, keep: keepIn(sql) }, wanted);
    return { body, records: loadSignedRecords(sql, -1, 2) };
  });
}

/** As the candidate's object keeps it. */
function keepIn(sql: SqlStorage) {
  return (bytes: Uint8Array): Promise<Result<FoundingBody, Rejection>> => {
    const signed = decodeSignedRecord(bytes);
    if (!signed.ok) return expect.fail("a signed record");
    if (loadGenesisHash(sql) === null) insertSignedRecord(sql, signed.value);
    const { hash } = knownRecord(signed.value.record);
    return Promise.resolve(ok({ ok: true, epoch: 0, hash }));
  };
}

function fresh(): string {
  return `v${next++}`;
}

describe("[C9] a founding", () => {
  test("asks every member for its key and its signature, and is idempotent", async () => {
    const names = [fresh(), fresh(), fresh()];
    const { body, records } = await order("a", names.map(objectOf).join());
    const [signed] = records;
    const { record, hash } = knownRecord(signed?.record ?? expect.fail("a record"));
    expect(body).toEqual({ ok: true, value: { ok: true, epoch: 0, hash } });
    expect([record.quorum, record.members.length, record.start.inherited]).toEqual([2, 3, null]);
    expect(record.era).toEqual(ERA);
    for (const name of names) {
      const status = value(await validator(name).status());
      expect([status.epoch, status.is_member]).toEqual([0, true]);
    }
    const again = await order("a", names.map(objectOf).join());
    expect(again.body).toEqual(body);
    expect(again.records).toHaveLength(1);
  });

  test("that a member missed goes on when it is asked for again", async () => {
    const [up, down] = [fresh(), fresh()];
    const members = [up, down].map(objectOf).join();
    const stopped = await order("b", members, { down });
    expect(stopped.body).toEqual({
      ok: false,
      error: expect.objectContaining({ status: 503, message: `${objectOf(down)}: no answer` }),
    });
    expect(stopped.records).toEqual([]);
    const done = await order("b", members);
    expect(done.body.ok).toBe(true);
    expect(value(await validator(down).status()).epoch).toBe(0);
  });

  test("takes members of other deployments with their operator's token", async () => {
    const [near, far] = [fresh(), fresh()];
    const members = `${objectOf(near)},${urlOf(far)}`;
    const without = await order("c", members);
    expect(without.body).toMatchObject({
      ok: false,
      error: { message: `${urlOf(far)}: no answer` },
    });
    const tokens = { [urlOf(far)]: OPERATOR_TOKEN };
    const { body, records } = await order("c", members, { order: { tokens } });
    expect(body.ok).toBe(true);
    const endpoints = records[0]?.record.members.map(({ endpoint }) => endpoint) ?? [];
    expect(new Set(endpoints)).toEqual(new Set([urlOf(far), objectOf(near)]));
    expect(value(await validator(far).status()).is_member).toBe(true);
  });

  test.each([
    ["a minority", { quorum: 1 }, UNFIT],
    ["more than all", { quorum: 3 }, UNFIT],
    ["another scheme", { scheme: "ed25519" } as const, UNFIT],
  ])("of %s is refused before anybody signs", async (_, wanted, message) => {
    const names = [fresh(), fresh()];
    const { body } = await order("d", names.map(objectOf).join(), { order: wanted });
    expect(body).toMatchObject({ ok: false, error: { status: 400, message } });
    const rows = await runInDurableObject(validator(names[0] ?? ""), (__, { storage }) =>
      storage.sql.exec("SELECT 1 FROM founding").toArray(),
    );
    expect(rows).toEqual([]);
  });
});

describe("[C9] a validator", () => {
  test("signs one founding record with a key, before and after it is stored", async () => {
    const name = fresh();
    const committee = await found([name]);
    const bytes = encodeRecord(committee.known.record);
    const first = value(await validator(name).signFounding(bytes));
    expect(value(await validator(name).signFounding(bytes))).toEqual(first);
    const other = encodeRecord({ ...committee.known.record, era: new Uint8Array(16).fill(9) });
    expect(await validator(name).signFounding(other)).toMatchObject({
      ...{ ok: false, error: { status: 409, message: "another committee was founded" } },
    });
    expect(value(await validator(name).storeFounding(committee.signed)).hash).toBe(
      committee.known.hash,
    );
  });

  test("that two foundings ask at once signs for one of them", async () => {
    const name = fresh();
    const { key } = value(await validator(name).keyCard());
    const of = (era: number): Uint8Array => {
      const members = recordOf(signersOf("p256", [1])).members;
      const own = members.map((one) => ({
        ...one,
        key: Uint8Array.from(Buffer.from(key.slice(2), "hex")),
      }));
      return encodeRecord(
        recordOf(signersOf("p256", [1]), { members: own, era: new Uint8Array(16).fill(era) }),
      );
    };
    const both = await Promise.all([1, 2].map((era) => validator(name).signFounding(of(era))));
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test("signs nothing that does not list it, or is of another application", async () => {
    const name = fresh();
    const strangers = recordOf(signersOf("p256", [1, 2]));
    expect(await validator(name).signFounding(encodeRecord(strangers))).toMatchObject({
      error: { message: "the record does not list this validator" },
    });
    const foreign = encodeRecord({ ...strangers, chainId: 1 });
    expect(await validator(name).signFounding(foreign)).toMatchObject({
      error: { message: "not a founding record of this chain and application" },
    });
    expect((await validator(name).signFounding(Uint8Array.of(1))).ok).toBe(false);
  });

  test("keeps no record that its members did not sign, and no second one", async () => {
    const name = fresh();
    const signers = signersOf("p256", [1, 2]);
    const record = recordOf(signers);
    const good = signRecord(record, signers);
    const [one] = good.byJoining.signatures;
    const forged = {
      ...good,
      byJoining: {
        ...good.byJoining,
        signatures: [one, one].map((bytes) => bytes ?? expect.fail()),
      },
    };
    expect(await validator(name).storeFounding(encodeSignedRecord(forged))).toMatchObject({
      error: { message: "the record is not signed by its members" },
    });
    expect((await validator(name).storeFounding(encodeSignedRecord(good))).ok).toBe(true);
    const second = signRecord({ ...record, quorum: 2, era: new Uint8Array(16) }, signers);
    expect(await validator(name).storeFounding(encodeSignedRecord(second))).toMatchObject({
      error: { status: 409 },
    });
  });

  test("answers only who it is before the founding", async () => {
    const name = fresh();
    const committee = await found([fresh()]);
    await propose(committee, name, {});
    const status = value(await validator(name).status());
    expect([status.epoch, status.promised_epoch, status.role]).toEqual([null, null, null]);
    const path = `${urlOf(name)}/founding`;
    for (const method of ["POST", "PUT"]) {
      const refused = await exports.default.fetch(new Request(path, { method, body: "x" }));
      expect((await refusalOf(refused))[0]).toBe(401);
    }
  });
});
