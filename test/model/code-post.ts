/**
 * A tick of posting, by the real decisions: a view of L1, then, in one turn, a plan and what it sends.
 *
 * With sleepers anything may happen between the two, recoveries included, which is more than the object
 * can do: its ticks do not overlap. The plan is made of the view and of the rows as they are then, and
 * only while recovery has nothing to do. What is written counts as sent, now or ever after: a send that
 * fails, or that the object dies before, is a transaction that never lands.
 */

import type { SubmissionFacts } from "../../src/core/submission/decide.ts";
import { foldLandedNonces } from "../../src/core/submission/landed.ts";
import { type Hash32, hash32 } from "../../src/core/types/hex.ts";
import { batchNonce, unixMs } from "../../src/core/types/units.ts";
import type { Config } from "./code-config.ts";
import { CAPS, decideNow, FEES, NOW_MS, withSends } from "./code-recover.ts";
import { type CodeState, NO_OP, type Payload, type To, type View } from "./code-state.ts";

export function expandPosting(state: CodeState, config: Config, to: To): void {
  if (!mayPost(state, config)) return;
  if (!config.hasSleepers) {
    send(state, viewOf(state), config, to);
  } else if (state.view === null) {
    to("a posting tick looks", { view: viewOf(state) });
  } else {
    send(state, state.view, config, to);
  }
}

/** Whether there is a clock by which recovery has nothing to do, or cannot tell. */
function mayPost(state: CodeState, config: Config): boolean {
  if (!config.stopsPosting) return true;
  return [false, true].some((isSilent) => {
    const decision = decideNow(state, { config, isSilent });
    if (decision.do === "admit") return true;
    return decision.do === "retry" && decision.why === "view-unusable";
  });
}

function viewOf({ consumed, unread, batches }: CodeState): View {
  const nonces = unread.flatMap(({ payload }) => {
    const batch = batches[payload];
    return batch === undefined ? [] : [BigInt(batch.nonce)];
  });
  return { walletNonce: consumed, nonces };
}

function send(state: CodeState, view: View, config: Config, to: To): void {
  for (const { capWei, isLate } of CAPS) {
    const facts = factsOf(state, view, { config, isLate, capWei });
    const { sends, walletNonceMax } = config.decisions.submission(facts);
    if (sends.length === 0) continue;
    const sent = sends.map(({ walletNonce, batchIndex }) => ({ walletNonce, payload: batchIndex }));
    const names = sent.map(({ walletNonce, payload }) => `batch ${payload} to slot ${walletNonce}`);
    to(`posts ${names.join(", ")}`, { ...withSends(state, sent, walletNonceMax), view: null });
    to("dies after the watermark", {
      ...withSends(state, [], walletNonceMax),
      view: null,
      progress: { at: "inspecting" },
    });
  }
  if (state.view !== null) to("a posting tick ends", { view: null });
}

type Setting = { readonly config: Config; readonly isLate: boolean; readonly capWei: bigint };

function factsOf(state: CodeState, view: View, setting: Setting): SubmissionFacts {
  const { config, isLate, capWei } = setting;
  const firstMissingNonce = foldLandedNonces(batchNonce(state.frontier), view.nonces);
  const closedBatches = state.batches.flatMap(({ nonce, is }, batchIndex) =>
    is === "closed" && nonce >= firstMissingNonce
      ? { batchIndex, nonce: batchNonce(nonce), payloadHash: hashOf(batchIndex) }
      : [],
  );
  const inFlight = state.slots.flatMap(({ newest }, i) =>
    newest === null || state.consumed + i < view.walletNonce
      ? []
      : {
          walletNonce: state.consumed + i,
          payloadHash: newest === NO_OP ? null : hashOf(newest),
          fees: FEES,
          deadlineMs: unixMs(isLate ? NOW_MS : NOW_MS + 1),
        },
  );
  return {
    firstMissingNonce,
    // The bound on slots is met as the bound on sends is: the rest is left for later.
    closedBatches: closedBatches.slice(0, Math.max(0, config.bounds.slotsMax - view.walletNonce)),
    latestWalletNonce: view.walletNonce,
    inFlight,
    nowMs: NOW_MS,
    freshFees: FEES,
    capWei,
  };
}

const hashes = new Map<Payload, Hash32>();

function hashOf(payload: Payload): Hash32 {
  const known = hashes.get(payload);
  if (known !== undefined) return known;
  const hash = hash32(`0x${payload.toString(16).padStart(64, "0")}`);
  hashes.set(payload, hash);
  return hash;
}
