/** Bodies built by hand are the JSON that a serializer would write. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { refusal } from "../../src/core/api/refusal.ts";
import { rejection, unavailable } from "../../src/core/api/rejection.ts";
import { formatConfirmation, formatFeedPage } from "../../src/core/api/responses.ts";
import { address } from "../../src/core/types/hex.ts";
import { batchNonce, feeExponent, offset } from "../../src/core/types/units.ts";
import { size } from "../support/size.ts";

test("[I1] a confirmation names the sender in EIP-55 and the op's place, and nothing else", () => {
  const op = {
    sender: address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"),
    nonce: 4_294_967_295,
    maxFee: 1409,
    data: new Uint8Array(0),
    signature: new Uint8Array(65),
  };
  const at = {
    offset: offset(Number.MAX_SAFE_INTEGER),
    batchNonce: batchNonce(0),
    frameFee: feeExponent(1060),
  };
  expect(formatConfirmation(op, at)).toBe(
    '{"ok":true,"sender":"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266","nonce":4294967295,' +
      '"offset":9007199254740991,"batch_nonce":0,"frame_fee":1060}',
  );
});

test("[F7] a page is its records between its numbers", () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 5 }),
      fc.uuid(),
      fc.maxSafeNat(),
      (records, era, n) => {
        const page = { era, generation: n, available_from: 1, head: n };
        const text = formatFeedPage({
          ...page,
          records: records.map((one) => JSON.stringify(one)),
          next_offset: n,
        });
        expect(text).toBe(JSON.stringify({ ...page, records, next_offset: n }));
      },
    ),
    { numRuns: size(100, 5_000) },
  );
});

test("[I6] a refusal is its code and message, and is not cached", () => {
  expect(refusal(rejection(404, "NOT_FOUND", 'no "op"'))).toEqual({
    status: 404,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: '{"ok":false,"code":"NOT_FOUND","message":"no \\"op\\""}',
  });
});

test("[I5] [I8] [F5] what a refusal says in its headers", () => {
  expect(refusal(unavailable("recovering")).headers).toMatchObject({ "retry-after": "30" });
  expect(refusal(rejection(401, "UNAUTHORIZED", "x")).headers).toMatchObject({
    "www-authenticate": "Bearer",
  });
  expect(refusal(rejection(409, "ERA_CHANGED", "x")).headers).toMatchObject({
    "x-history-error": "ERA_CHANGED",
  });
});
