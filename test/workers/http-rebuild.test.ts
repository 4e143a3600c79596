/** The routes of a rebuild: who may use them, what they refuse before the object is asked, and an upload. */

import { expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { formatManifest, PART_BYTES } from "../../src/core/api/rebuild.ts";
import { parseConfig } from "../../src/core/config/config.ts";
import { addressOfPrivateKey } from "../../src/crypto/key.ts";
import { OPERATOR_TOKEN, TEST_VARIABLES } from "../support/variables.ts";
import { call, fetchWith, get, ORIGIN, refusalOf } from "./requests.ts";
import { inventedState } from "./support/rebuilding.ts";

const PART = `/operator/rebuild/${"00".repeat(16)}/parts/0`;
const PATHS = ["/operator/rebuild", PART, "/operator/anything"];
const authorization = `Bearer ${OPERATOR_TOKEN}`;

const send = (path: string, body: BodyInit) =>
  fetchWith({}, new Request(ORIGIN + path, { method: "POST", headers: { authorization }, body }));

test.each(PATHS)("[I8] %s needs the token, and is not there where none is set", async (path) => {
  for (const given of ["", "Bearer ", `Bearer ${OPERATOR_TOKEN}x`]) {
    const refused = await call("POST", path, { authorization: given });
    expect(await refusalOf(refused)).toEqual([401, "UNAUTHORIZED", "operator token required"]);
  }
  const request = new Request(ORIGIN + path, { method: "POST", headers: { authorization } });
  const without = await fetchWith({ SEQ_OPERATOR_TOKEN: "" }, request);
  expect(await refusalOf(without)).toEqual([404, "NOT_FOUND", "not found"]);
});

test("[I8] they answer POST alone, and no web page", async () => {
  for (const path of ["/operator/rebuild", PART]) {
    const response = await get(path, { authorization });
    expect(response.headers.get("allow")).toBe("POST");
    expect((await refusalOf(response))[0]).toBe(405);
    const preflight = await call("OPTIONS", path, { origin: "https://page.example" });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  }
  const unknown = await send("/operator/anything", "");
  expect(await refusalOf(unknown)).toEqual([404, "NOT_FOUND", "not found"]);
});

test("[R5] a body that is no manifest, no part or too large does not reach the object", async () => {
  const expected = [400, "BAD_REQUEST", "expected a rebuild manifest"];
  for (const body of ["", "{}", "[]", new Uint8Array([0xff, 0xfe])]) {
    expect(await refusalOf(await send("/operator/rebuild", body))).toEqual(expected);
  }
  const tooLarge = [413, "PAYLOAD_TOO_LARGE", "request body too large"];
  const manifest = await send("/operator/rebuild", " ".repeat(4_097));
  expect(await refusalOf(manifest)).toEqual(tooLarge);
  expect(await refusalOf(await send(PART, new Uint8Array(PART_BYTES + 1)))).toEqual(tooLarge);
  const largest = await refusalOf(await send(PART, new Uint8Array(PART_BYTES)));
  expect(largest).toEqual([409, "UPLOAD_UNKNOWN", "no such upload: start again"]);
  for (const part of ["x", "-1", "100", "0x0"]) {
    const refused = await send(PART.replace(/0$/, part), "");
    expect((await refusalOf(refused)).slice(0, 2)).toEqual([400, "BAD_REQUEST"]);
  }
});

test("[R5] an upload over HTTP begins an era; a conflict is no error of a cursor", async () => {
  const config = parseConfig(TEST_VARIABLES, walletApplication, addressOfPrivateKey);
  if (!config.ok) return expect.unreachable("the variables are right");
  const { manifest, state } = inventedState(config.value);
  const started = await send("/operator/rebuild", formatManifest(manifest));
  expect(started.status).toBe(200);
  const { upload, ...rest } = await started.json<{ upload: string }>();
  expect(rest).toEqual({ part_bytes: 1_048_576, parts: 1 });
  const last = await send(`/operator/rebuild/${upload}/parts/0`, state);
  const begun = await last.json<{ era: string }>();
  expect(begun).toEqual({ parts_left: 0, era: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  const health = await (await get("/healthz")).json();
  expect(health).toMatchObject({ mode: "starting", era: begun.era, generation: 0, feed_head: 0 });
  const again = await send("/operator/rebuild", formatManifest(manifest));
  expect(again.headers.get("x-history-error")).toBeNull();
  const exists = [409, "HISTORY_EXISTS", "the sequencer has a history already"];
  expect(await refusalOf(again)).toEqual(exists);
  const snapshot = await get("/latest_snapshot", { authorization });
  expect(new Uint8Array(await snapshot.arrayBuffer())).toEqual(state);
});
