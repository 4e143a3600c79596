/** Receiving a rebuild: parts in order, one transaction at the end, and refusals that change nothing. */

import { describe, expect, test } from "vitest";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { PART_BYTES, type RebuildManifest } from "../../src/core/api/rebuild.ts";
import type { ApplicationState } from "../../src/core/application/application.ts";
import { bytesEqual } from "../../src/core/types/bytes.ts";
import { hash32 } from "../../src/core/types/hex.ts";
import { blockNumber } from "../../src/core/types/units.ts";
import { rebuildMemory } from "../../src/durable-objects/sequencer/memory.ts";
import { startUpload } from "../../src/durable-objects/sequencer/rebuild.ts";
import { loadHistory } from "../../src/durable-objects/sequencer/storage/history.ts";
import { addInput, count, found, observe, pin, user } from "./support/history.ts";
import { begin, inventedState, manifestOf, put, upload } from "./support/rebuilding.ts";
import { type Rig, withRig } from "./support/rig.ts";

/** Three parts, the last one short. */
const LARGE = 50_000;

/** What is staged, and what an era would have written. */
const stored = (rig: Rig) =>
  ["rebuild_uploads", "rebuild_parts", "history", "snapshots", "batches", "chunks"].map((table) =>
    count(rig, table),
  );

const refusal = (status: number, code: string, message?: string) => ({
  ok: false,
  error: { status, code, ...(message === undefined ? {} : { message }) },
});

describe("[R5] an upload", () => {
  test("begins an era with its last part: state, base, anchor and one open batch", () =>
    withRig((rig) => {
      const { manifest, state } = inventedState(rig.runtime.config, LARGE);
      const name = begin(rig, manifest);
      const part = (i: number) => ({
        upload: name,
        part: i,
        bytes: state.slice(i * PART_BYTES, (i + 1) * PART_BYTES),
      });
      expect(put(rig, part(0))).toEqual({ ok: true, value: { parts_left: 2, era: null } });
      // Another wake of the object: what was staged is stored.
      const woken = rig.wake();
      expect(put(woken, part(1))).toEqual({ ok: true, value: { parts_left: 1, era: null } });
      expect(stored(woken)).toEqual([1, 2, 0, 0, 0, 0]);
      const last = put(woken, part(2));
      expect(last).toMatchObject({ ok: true, value: { parts_left: 0, era: expect.any(String) } });
      expect(stored(woken)).toEqual([0, 0, 1, 1, 1, 1]);
      expect(loadHistory(rig.sql)).toMatchObject({
        generation: 0,
        availableFrom: 0,
        base: { block: 100, blockHash: manifest.baseBlockHash, inputCount: 12 },
      });
      const live = woken.live();
      expect(live.head).toMatchObject({ batchIndex: 0, batchNonce: 7, frame: 0, safeBlock: 100 });
      expect(bytesEqual(live.state.snapshot(), state)).toBe(true);
      expect(live.state.nextNonce(user(0))).toBe(4);
      const { state: again, ...rest } = rebuildMemory(rig.runtime) ?? expect.unreachable("begun");
      const { state: _state, ...expected } = live;
      expect(rest).toEqual(expected);
      expect(bytesEqual(again.snapshot(), state)).toBe(true);
    }));

  test("that is begun again replaces the one before; its parts are not known any more", () =>
    withRig((rig) => {
      const first = inventedState(rig.runtime.config, LARGE);
      const second = inventedState(rig.runtime.config);
      const before = begin(rig, first.manifest);
      const bytes = first.state.slice(0, PART_BYTES);
      put(rig, { upload: before, part: 0, bytes });
      const name = begin(rig, second.manifest);
      expect(stored(rig)).toEqual([1, 0, 0, 0, 0, 0]);
      const late = { upload: before, part: 1, bytes };
      expect(put(rig, late)).toMatchObject(refusal(409, "UPLOAD_UNKNOWN"));
      const whole = { upload: name, part: 0, bytes: second.state };
      expect(put(rig, whole)).toMatchObject({ ok: true });
      expect(put(rig, whole)).toMatchObject(refusal(409, "HISTORY_EXISTS"));
    }));

  test("takes the next part and no other, at its size, and is as it was after a refusal", () =>
    withRig((rig) => {
      const { manifest, state } = inventedState(rig.runtime.config, LARGE);
      const bytes = state.slice(0, PART_BYTES);
      const unknown = { upload: "00".repeat(16), part: 0, bytes };
      expect(put(rig, unknown)).toMatchObject(refusal(409, "UPLOAD_UNKNOWN"));
      const name = begin(rig, manifest);
      expect(put(rig, unknown)).toMatchObject(refusal(409, "UPLOAD_UNKNOWN"));
      const outOfOrder = (expected: number) =>
        refusal(409, "UPLOAD_OUT_OF_ORDER", `expected part ${expected}`);
      expect(put(rig, { upload: name, part: 1, bytes })).toMatchObject(outOfOrder(0));
      expect(put(rig, { upload: name, part: 0, bytes })).toMatchObject({ ok: true });
      const after = stored(rig);
      expect(put(rig, { upload: name, part: 0, bytes })).toMatchObject(outOfOrder(1));
      for (const length of [0, PART_BYTES - 1, PART_BYTES + 1]) {
        const wrong = { upload: name, part: 1, bytes: new Uint8Array(length) };
        expect(put(rig, wrong)).toMatchObject(
          refusal(400, "BAD_REQUEST", `part 1 has ${PART_BYTES} bytes`),
        );
      }
      expect(stored(rig)).toEqual(after);
    }));
});

describe("[R5] what is refused", () => {
  test.each([
    ["bytes of another hash", { sha256: `0x${"00".repeat(32)}` }],
    ["another input count", { executedInputCount: 8 }],
    ["executed beyond its base", { baseBlock: blockNumber(98) }],
  ])("%s: no era is begun, and a right one still can be", (_what, fields) =>
    withRig((rig) => {
      const { manifest, state } = inventedState(rig.runtime.config);
      const wrong = { ...manifest, ...fields } as typeof manifest;
      expect(upload(rig, { manifest: wrong, state })).toMatchObject(refusal(422, "UPLOAD_REFUSED"));
      expect(stored(rig)).toEqual([1, 0, 0, 0, 0, 0]);
      expect(upload(rig, { manifest, state })).toMatchObject({ ok: true });
    }),
  );

  test("bytes that are no state of this application", () =>
    withRig((rig) => {
      const state = new Uint8Array(100);
      const answer = upload(rig, { state, manifest: manifestOf(rig.runtime.config, state, {}) });
      expect(answer).toMatchObject(
        refusal(422, "UPLOAD_REFUSED", "not a state under this configuration"),
      );
    }));

  test.each([
    ["chain", { chainId: 1 }],
    ["application", { app: user(1) }],
    ["submitter", { submitter: user(1) }],
  ])("the state of another %s", (_what, fields) =>
    withRig((rig) => {
      const { manifest } = inventedState(rig.runtime.config);
      const answer = startUpload(rig.runtime, { ...manifest, ...fields });
      expect(answer).toMatchObject(refusal(422, "UPLOAD_REFUSED", "another deployment's state"));
      expect(stored(rig)).toEqual([0, 0, 0, 0, 0, 0]);
    }),
  );

  test("a base behind what was read, also when that was read during the upload", () =>
    withRig((rig) => {
      pin(rig);
      const { manifest, state } = inventedState(rig.runtime.config);
      observe(rig, 99);
      const name = begin(rig, manifest);
      observe(rig, 101);
      const behind = refusal(422, "UPLOAD_REFUSED");
      expect(put(rig, { upload: name, part: 0, bytes: state })).toMatchObject(behind);
      expect(startUpload(rig.runtime, manifest)).toMatchObject(behind);
      expect(stored(rig)).toEqual([1, 0, 0, 0, 0, 0]);
    }));

  test("a base at the block that was read, when it is another block or has other inputs", () =>
    withRig((rig) => {
      pin(rig);
      addInput(rig, user(1), Uint8Array.of(1), 100);
      observe(rig, 100);
      const { state } = inventedState(rig.runtime.config);
      const baseBlockHash = hash32(`0x${(100).toString(16).padStart(64, "0")}`);
      const at = (fields: Partial<RebuildManifest>) =>
        manifestOf(rig.runtime.config, state, { baseBlockHash, baseInputCount: 1, ...fields });
      const other = refusal(422, "UPLOAD_REFUSED", "another block was read than the base");
      expect(startUpload(rig.runtime, at({ baseInputCount: 2 }))).toMatchObject(other);
      const hash = hash32(`0x${"c0".repeat(32)}`);
      expect(startUpload(rig.runtime, at({ baseBlockHash: hash }))).toMatchObject(other);
      expect(upload(rig, { manifest: at({}), state })).toMatchObject({ ok: true });
    }));

  test("any upload beside a history, also one that began before it", () =>
    withRig((rig) => {
      const { manifest, state } = inventedState(rig.runtime.config);
      const name = begin(rig, manifest);
      found(rig);
      const exists = refusal(409, "HISTORY_EXISTS", "the sequencer has a history already");
      expect(startUpload(rig.runtime, manifest)).toMatchObject(exists);
      expect(put(rig, { upload: name, part: 0, bytes: state })).toMatchObject(exists);
    }));

  test("a database of another deployment", () =>
    withRig((rig) => {
      pin(rig);
      const other = rig.wake({ vars: { SEQ_FEE_RECIPIENT: user(3) } });
      const answer = startUpload(other.runtime, inventedState(other.runtime.config).manifest);
      expect(answer).toMatchObject(refusal(503, "UNAVAILABLE", "sequencer refused"));
    }));
});

test("[R5] a last part whose transaction fails leaves the staged parts, and can be sent again", () => {
  let isBroken = true;
  const failing = (state: ApplicationState): ApplicationState =>
    Object.assign(Object.create(state), {
      progress: () => state.progress(),
      nextNonce: state.nextNonce.bind(state),
      snapshot: () => {
        if (isBroken) throw new Error("a bug of the application");
        return state.snapshot();
      },
    });
  const application = {
    ...walletApplication,
    restore: (...args: Parameters<typeof walletApplication.restore>) => {
      const restored = walletApplication.restore(...args);
      return restored.ok ? { ok: true as const, value: failing(restored.value) } : restored;
    },
  };
  return withRig(
    (rig) => {
      const { manifest, state } = inventedState(rig.runtime.config, LARGE);
      const name = begin(rig, manifest);
      const part = (i: number) => ({
        upload: name,
        part: i,
        bytes: state.slice(i * PART_BYTES, (i + 1) * PART_BYTES),
      });
      for (const i of [0, 1]) put(rig, part(i));
      expect(() => put(rig, part(2))).toThrow("a bug of the application");
      expect(stored(rig)).toEqual([1, 2, 0, 0, 0, 0]);
      isBroken = false;
      expect(put(rig, part(2))).toMatchObject({ ok: true, value: { parts_left: 0 } });
      expect(stored(rig)).toEqual([0, 0, 1, 1, 1, 1]);
    },
    { application },
  );
});
