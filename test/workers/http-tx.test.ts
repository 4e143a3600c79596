/** `POST /tx` up to the object: size, content type, encoding, and one case of every later row. */

import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { signed as op } from "../support/signed-op.ts";
import { fetchWith, ORIGIN, post, refusalOf, STARTING } from "./requests.ts";

describe("[I1] POST /tx up to the object", () => {
  const padded = (bytes: number) => JSON.stringify(op).padEnd(bytes, " ");
  const tooLarge = [413, "PAYLOAD_TOO_LARGE", "request body too large"];

  test("row 1: 4096 bytes pass, white space included, 4097 do not", async () => {
    expect(await refusalOf(await post(padded(4096)))).toEqual(STARTING);
    expect(await refusalOf(await post(padded(4097)))).toEqual(tooLarge);
  });

  test("row 1: a stream without a length is counted", async () => {
    const stream = (bytes: number) => {
      const [head, tail] = [padded(bytes).slice(0, 100), padded(bytes).slice(100)];
      const encoder = new TextEncoder();
      return new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(encoder.encode(head));
          controller.enqueue(encoder.encode(tail));
          controller.close();
        },
      });
    };
    expect(await refusalOf(await post(stream(4096)))).toEqual(STARTING);
    expect(await refusalOf(await post(stream(4097)))).toEqual(tooLarge);
  });

  test("row 1: an endless stream is left after the bound", async () => {
    let chunks = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(1024).fill(0x20));
      },
    });
    expect(await refusalOf(await post(endless))).toEqual(tooLarge);
    expect(chunks).toBeLessThan(20);
  });

  test.each(["5000", "99999999999999999999"])("row 1: a declared length of %s", async (length) => {
    const headers = { "content-type": "application/json", "content-length": length };
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", headers, body: "{}" });
    expect(await refusalOf(await fetchWith({}, request))).toEqual(tooLarge);
  });

  test("row 1: a declared length that is too small is not believed", async () => {
    const headers = { "content-type": "application/json", "content-length": "10" };
    const body = padded(4097);
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", headers, body });
    expect(await refusalOf(await fetchWith({}, request))).toEqual(tooLarge);
  });

  test("row 1 comes before row 2, and row 2 before row 3", async () => {
    expect(await refusalOf(await post(padded(4097), "text/plain"))).toEqual(tooLarge);
    const missing = [400, "BAD_REQUEST", "missing content type"];
    expect(await refusalOf(await post("{", "text/plain"))).toEqual(missing);
  });

  test.each([
    ["application/json", true],
    ["APPLICATION/JSON", true],
    ["application/json; charset=utf-8", true],
    ["application/json;charset=utf-8", true],
    ["application/vnd.api+json", true],
    ["text/json", false],
    ["application/jsonp", false],
    ["application/x-json", false],
    ["application/x-www-form-urlencoded", false],
    ["x-application/json", false],
    ["", false],
  ])("row 2: content type %j is JSON: %j", async (type, accepted) => {
    const answered = await refusalOf(await post("{", type));
    expect(answered[2]).toBe(accepted ? "invalid JSON" : "missing content type");
  });

  test("row 2: no content type", async () => {
    const body = new TextEncoder().encode(JSON.stringify(op));
    const request = new Request(`${ORIGIN}/tx`, { method: "POST", body });
    const answered = await refusalOf(await exports.default.fetch(request));
    expect(answered).toEqual([400, "BAD_REQUEST", "missing content type"]);
  });

  test.each([
    ["no body", new Uint8Array(0)],
    ["half a character", new Uint8Array([0x22, 0xc3, 0x22])],
    ["an overlong slash", new TextEncoder().encode("{}").map((byte) => byte ^ 0x80)],
    ["a byte order mark", new TextEncoder().encode(`\ufeff${JSON.stringify(op)}`)],
  ])("row 3: %s", async (_name, bytes) => {
    expect(await refusalOf(await post(bytes))).toEqual([400, "BAD_REQUEST", "invalid JSON"]);
  });

  test.each([
    [{ signature: "0x" }, "BAD_REQUEST", "signature must be 132 hex chars (0x + 65 bytes)"],
    [{ sender: "0x" }, "BAD_REQUEST", "sender must be 42 hex chars (0x + 20 bytes)"],
    [{ signature: `0X${op.signature.slice(2)}` }, "BAD_REQUEST", "hex string must start with 0x"],
    [{ signature: `0x${"zz".repeat(65)}` }, "BAD_REQUEST", "invalid hex: not a hexadecimal digit"],
    [
      { signature: `${op.signature.slice(0, -2)}02` },
      "INVALID_SIGNATURE",
      "invalid signature parity",
    ],
    [{ signature: `0x${"00".repeat(65)}` }, "INVALID_SIGNATURE", "invalid signature"],
    [{ sender: `0X${op.sender.slice(2)}` }, "BAD_REQUEST", "hex string must start with 0x"],
    [
      { signature: `0x${"05".padStart(64, "0")}${op.signature.slice(66)}` },
      "INVALID_SIGNATURE",
      "cannot recover sender",
    ],
    [{ sender: `0x${"11".repeat(20)}` }, "INVALID_SIGNATURE", "sender mismatch"],
  ])("rows 4 to 14: %j", async (difference, code, message) => {
    const response = await post(JSON.stringify({ ...op, ...difference }));
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await refusalOf(response)).toEqual([400, code, message]);
  });

  test("row 6: the application's bound is in the text", async () => {
    const message = { ...op.message, data: `0x${"00".repeat(1500)}` };
    const answered = await refusalOf(await post(JSON.stringify({ ...op, message })));
    expect(answered[2]).toMatch(/^user op payload too large: max \d+ bytes, got 1500 bytes$/);
  });

  test("[I5] a valid op before the first sync: 503 and when to come back", async () => {
    const response = await post(JSON.stringify(op));
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await refusalOf(response)).toEqual(STARTING);
  });
});
