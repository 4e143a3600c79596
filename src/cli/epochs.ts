/**
 * The epoch records that a receipt is verified with: from a file, or from a sequencer's `GET /epochs`.
 *
 * Records prove themselves from the first one's hash on, so it does not matter who gave them. That hash
 * does: it is pinned by whoever verifies, or taken on trust from the same source.
 */

import { decodeSignedRecord } from "../core/consensus/epoch-chain.ts";
import { fromHex } from "../core/types/hex.ts";
import { CommandFailure, type Io, readText } from "./io.ts";
import { describeRefusal, type Json, parseObject, SequencerClient } from "./sequencer-client.ts";

export type GivenEpochs = {
  /** As the source gave them: `verifyEpochs` judges. */
  readonly records: readonly string[];
  /** Null when the source does not name it. */
  readonly genesis: string | null;
};

/** A whole chain of some 10 000 records of the default committee. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
const PAGES_MAX = 1_000;
const PATH = "/epochs";
const HEX = /^0x(?:[0-9a-f]{2})+$/;

/** `from` is a URL or a file. Throws `CommandFailure`. */
export async function loadEpochs(io: Io, from: string): Promise<GivenEpochs> {
  if (/^https?:/i.test(from)) return await askEpochs(new SequencerClient(from, undefined));
  const body = parseObject(await readText(io, from, FILE_BYTES_MAX));
  return epochsIn(body, "the epochs file");
}

/** Page by page, until one is empty. */
async function askEpochs(client: SequencerClient): Promise<GivenEpochs> {
  const records: string[] = [];
  let genesis: string | null = null;
  let path = PATH;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await client.get(path, PAGE_BYTES_MAX);
    if (answer.status !== 200) throw new CommandFailure(describeRefusal(PATH, answer));
    const given = epochsIn(answer.body, PATH);
    genesis ??= given.genesis;
    const last = given.records.at(-1);
    if (last === undefined) return { records, genesis };
    records.push(...given.records);
    path = `${PATH}?after=${epochOf(last)}`;
  }
  throw new CommandFailure(`${PATH} does not end`);
}

function epochsIn(body: Json | null, where: string): GivenEpochs {
  const records: unknown = body?.["records"];
  const genesis = body?.["genesis"] ?? null;
  const isText = (value: unknown): value is string => typeof value === "string";
  if (!Array.isArray(records) || !records.every(isText) || !(genesis === null || isText(genesis))) {
    throw new CommandFailure(`${where} has not the shape of {"records":[…],"genesis":"0x…"}`);
  }
  return { records, genesis };
}

function epochOf(record: string): number {
  const decoded = HEX.test(record) ? decodeSignedRecord(fromHex(record)) : null;
  if (decoded?.ok !== true) throw new CommandFailure(`${PATH} holds what is no epoch record`);
  return decoded.value.record.epoch;
}
