/** Uploading over a bad line: what is tried again, what is final, and what is only doubtful. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { SequencerClient } from "../../src/cli/sequencer-client.ts";
import { upload } from "../../src/cli/upload.ts";
import { PART_BYTES, parseManifest, type RebuildManifest } from "../../src/core/api/rebuild.ts";
import { address, hash32 } from "../../src/core/types/hex.ts";
import { batchNonce, blockNumber } from "../../src/core/types/units.ts";
import { send } from "../support/claiming-server.ts";

const ERA = "00000000-0000-4000-8000-000000000000";
const TOKEN = "an operator's token";
const STATE = Uint8Array.from({ length: 2 * PART_BYTES + 5 }, (_, i) => i % 251);

/** Answers a request in another way; false: as it should be answered. */
type Spoil = (path: string, response: ServerResponse) => boolean;

let url: string;
let close: () => void;
let spoil: Spoil;
let staged: Uint8Array[];
let requests: string[];

beforeAll(async () => {
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});
beforeEach(() => {
  spoil = () => false;
  staged = [];
  requests = [];
});
afterAll(() => close());

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  const path = request.url ?? "";
  requests.push(path);
  expect(request.headers.authorization).toBe(`Bearer ${TOKEN}`);
  if (spoil(path, response)) return;
  if (path === "/operator/rebuild") {
    staged = [];
    expect(parseManifest(body.toString())).toMatchObject({ ok: true });
    return send(response, 200, { upload: "name", part_bytes: PART_BYTES, parts: 3 });
  }
  const part = Number(/^\/operator\/rebuild\/name\/parts\/([0-9])$/.exec(path)?.[1]);
  expect(part).toBe(staged.length);
  staged.push(body);
  send(response, 200, { parts_left: 2 - part, era: part === 2 ? ERA : null });
}

const manifest: RebuildManifest = {
  chainId: 1,
  app: address(`0x${"11".repeat(20)}`),
  submitter: address(`0x${"22".repeat(20)}`),
  baseBlock: blockNumber(7),
  baseBlockHash: hash32(`0x${"33".repeat(32)}`),
  baseInputCount: 3,
  anchorNonce: batchNonce(2),
  executedInputCount: 5,
  stateBytes: STATE.length,
  sha256: hash32(`0x${"44".repeat(32)}`),
};

const run = () =>
  upload(new SequencerClient(url, TOKEN), { manifest, state: STATE, onProgress: () => undefined });

/** Spoils the first request for this path. */
const once = (at: string, how: (response: ServerResponse) => void): Spoil => {
  let isSpent = false;
  return (path, response) => {
    if (isSpent || !path.endsWith(at)) return false;
    isSpent = true;
    how(response);
    return true;
  };
};
const refuse = (status: number, code: string) => (response: ServerResponse) =>
  send(response, status, { ok: false, code, message: "why" });

test("[R5] sends the manifest and then the parts in order, and answers the era", async () => {
  expect(await run()).toBe(ERA);
  expect(Buffer.concat(staged).equals(STATE)).toBe(true);
  expect(staged.map(({ length }) => length)).toEqual([PART_BYTES, PART_BYTES, 5]);
});

test.each([
  ["the line breaks", (response: ServerResponse) => response.destroy()],
  ["the object restarts", refuse(503, "UNAVAILABLE")],
  ["another upload came between", refuse(409, "UPLOAD_UNKNOWN")],
])("[R5] where %s at a part, it begins again", async (_what, how) => {
  spoil = once("/parts/1", how);
  expect(await run()).toBe(ERA);
  expect(Buffer.concat(staged).equals(STATE)).toBe(true);
  expect(requests.filter((path) => path === "/operator/rebuild")).toHaveLength(2);
});

test.each([
  ["/operator/rebuild", 409, "HISTORY_EXISTS"],
  ["/parts/2", 422, "UPLOAD_REFUSED"],
  ["/parts/0", 401, "UNAUTHORIZED"],
])("[R5] what %s judges is final: %i %s", async (path, status, code) => {
  spoil = once(path, refuse(status, code));
  await expect(run()).rejects.toThrow(`/operator/rebuild: ${status} ${code} "why"`);
  expect(requests.filter((one) => one === "/operator/rebuild")).toHaveLength(1);
});

test("[R5] a last part that was lost on the way is sent again", async () => {
  spoil = once("/parts/2", (response) => response.destroy());
  expect(await run()).toBe(ERA);
});

test("[R5] when the answer to the last part is lost, that is said and not guessed", async () => {
  let isBegun = false;
  spoil = (path, response) => {
    if (path.endsWith("/parts/2")) {
      isBegun = true;
      response.destroy();
      return true;
    }
    if (isBegun) refuse(409, "HISTORY_EXISTS")(response);
    return isBegun;
  };
  await expect(run()).rejects.toThrow(
    /^\/operator\/rebuild: 409 HISTORY_EXISTS "why"; the last part was sent: if \/deployment shows/,
  );
});

test("[R5] a line that stays broken is given up", async () => {
  spoil = (_path, response) => {
    response.destroy();
    return true;
  };
  await expect(run()).rejects.toThrow("the sequencer cannot be reached");
  expect(requests).toHaveLength(4);
});
