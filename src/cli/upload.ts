/**
 * Uploading a rebuilt state, part by part; the last part begins the era (R5).
 *
 * A part that fails has left nothing but staged parts behind, so the upload is begun again. If the answer
 * to the last part is lost, the era may have begun: beginning again then finds a history, which is said
 * with that doubt and not guessed about.
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  formatManifest,
  PART_BYTES,
  partBytes,
  partCount,
  type RebuildManifest,
} from "../core/api/rebuild.ts";
import { CommandFailure } from "./io.ts";
import { describeRefusal, type JsonAnswer, type SequencerClient } from "./sequencer-client.ts";

const ATTEMPTS = 4;
const PAUSE_MS = 1_000;
const PATH = "/operator/rebuild";

export type UploadOptions = {
  readonly manifest: RebuildManifest;
  readonly state: Uint8Array;
  readonly onProgress: (part: number, parts: number) => void;
};

/** The era that was begun. Throws `CommandFailure`; a refusal is final, anything else is tried again. */
export async function upload(client: SequencerClient, options: UploadOptions): Promise<string> {
  let isDoubtful = false;
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryUpload(client, options);
    if ("era" in outcome) return outcome.era;
    isDoubtful ||= outcome.isLastSent;
    if (outcome.isFinal || attempt === ATTEMPTS) {
      throw new CommandFailure(isDoubtful ? `${outcome.why}; ${DOUBT}` : outcome.why);
    }
    await sleep(PAUSE_MS * attempt);
  }
}

const DOUBT = "the last part was sent: if /deployment shows an era now, the rebuild is done";

type Outcome =
  | { readonly era: string }
  | {
      readonly why: string;
      /** Whether the sequencer judged; anything else may pass. */
      readonly isFinal: boolean;
      /** Whether the last part may have arrived. */
      readonly isLastSent: boolean;
    };

async function tryUpload(client: SequencerClient, options: UploadOptions): Promise<Outcome> {
  const { manifest, state, onProgress } = options;
  const started = await attempt(() => client.postJson(PATH, formatManifest(manifest)));
  if (typeof started === "string") return broken(started, false);
  if (started.status !== 200) return refused(started, false);
  const { upload: name, part_bytes: bytesPerPart } = started.body;
  if (typeof name !== "string" || bytesPerPart !== PART_BYTES) {
    return { why: `${PATH}: the sequencer expects other parts`, isFinal: true, isLastSent: false };
  }
  const parts = partCount(manifest.stateBytes);
  for (let part = 0; part < parts; part++) {
    const from = part * PART_BYTES;
    const bytes = state.subarray(from, from + partBytes(manifest.stateBytes, part));
    const answer = await attempt(() => client.postBytes(`${PATH}/${name}/parts/${part}`, bytes));
    const isLast = part === parts - 1;
    if (typeof answer === "string") return broken(answer, isLast);
    if (answer.status !== 200) return refused(answer, isLast);
    const { era } = answer.body;
    if (isLast && typeof era === "string") return { era };
    onProgress(part + 1, parts);
  }
  return { why: `${PATH}: no era was begun`, isFinal: true, isLastSent: true };
}

/** The answer, or why there is none. */
async function attempt(ask: () => Promise<JsonAnswer>): Promise<JsonAnswer | string> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CommandFailure) return error.message;
    throw error;
  }
}

function broken(why: string, isLastSent: boolean) {
  return { why, isFinal: false, isLastSent };
}

/** 5xx and 429 may pass, as may another upload's interference; what the sequencer judged does not. */
function refused(answer: JsonAnswer, isLast: boolean) {
  const isPassing = answer.status >= 500 || answer.status === 429;
  const isInterrupted = ["UPLOAD_OUT_OF_ORDER", "UPLOAD_UNKNOWN"].includes(
    String(answer.body["code"]),
  );
  const isFinal = !isPassing && !isInterrupted;
  return { why: describeRefusal(PATH, answer), isFinal, isLastSent: isLast && isPassing };
}
