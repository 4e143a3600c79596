/**
 * A whole committee in one process and in memory: for a first try, for examples, for tests of payloads.
 *
 * Its parts are the real ones, and it shows how they are put together. A committee that shall survive
 * anything has a process, a durable store and a transport of its own for each of them.
 */

import {
  ELECTION_RULES,
  type ElectionRules,
  type Succession,
} from "../core/consensus/election-rules.ts";
import type { SignedRecord } from "../core/consensus/epoch-chain.ts";
import { DEFAULT_MEMBERS, type KnownRecord } from "../core/consensus/epoch-record.ts";
import { EMPTY_LINE } from "../core/consensus/line.ts";
import type { AsyncSigner, SchemeId } from "../core/consensus/types.ts";
import { must } from "../core/types/assert.ts";
import { ZERO_ADDRESS } from "../core/types/hex.ts";
import { createAsyncSigner, randomSecretKey, schemes } from "../crypto/schemes/registry.ts";
import { foundCommittee } from "./committee.ts";
import { Conductor } from "./conductor.ts";
import { CONDUCTOR_RULES, type ConductorRules } from "./conductor-types.ts";
import { MemoryCommitLog } from "./council.ts";
import {
  MemoryRecordStore,
  recordChainManager,
  singleManager,
  staticManager,
} from "./epoch-manager.ts";
import { Metrics } from "./metrics.ts";
import { checkLinkage, type PayloadCheck, type PayloadType } from "./payload.ts";
import { MemoryPayloadStore, type Place } from "./payload-store.ts";
import { platformJudge, platformSurroundings } from "./platform.ts";
import { InProcessNetwork } from "./transport.ts";
import { Validator } from "./validator.ts";
import { MemoryValidatorStore } from "./validator-store.ts";

export type LocalCommitteeOptions<P> = {
  readonly type: PayloadType<P>;
  /** Ids of the candidates, ascending; the first leads epoch 0. */
  readonly sequencers: readonly string[];
  /** 4 by default; a majority certifies. */
  readonly validators?: number;
  /** Of the validators' keys; `p256` by default. */
  readonly scheme?: SchemeId;
  readonly succession?: Succession;
  /** What validators ask of a payload; by default only that it is the one that was signed. */
  readonly checkPayload?: PayloadCheck;
  /** The payload that the first one follows; by default there is none, and the first has height 0. */
  readonly genesis?: Place;
  readonly rules?: Partial<ConductorRules>;
};

type Party = { readonly name: string; readonly endpoint: string; readonly signer: AsyncSigner };
type Founded = { readonly signed: SignedRecord; readonly known: KnownRecord };

const MANAGERS = { any: recordChainManager, schedule: staticManager, single: singleManager };

export class LocalCommittee<P> {
  /** The first epoch record; its hash is what a verifier pins. */
  readonly genesis: KnownRecord;
  readonly validators: readonly Validator[];
  readonly #sequencers: ReadonlyMap<string, Conductor<P>>;

  private constructor(
    genesis: KnownRecord,
    validators: readonly Validator[],
    sequencers: ReadonlyMap<string, Conductor<P>>,
  ) {
    this.genesis = genesis;
    this.validators = validators;
    this.#sequencers = sequencers;
  }

  /** Everybody has a new key, and runs. */
  static async start<P>(options: LocalCommitteeOptions<P>): Promise<LocalCommittee<P>> {
    const { sequencers: ids, scheme = "p256", succession = "any" } = options;
    const names = Array.from({ length: options.validators ?? DEFAULT_MEMBERS }, (_, i) => `v${i}`);
    const members = await Promise.all(names.map((name) => party("validator", name, scheme)));
    const candidates = await Promise.all(ids.map((id) => party("sequencer", id, "p256")));
    const founded = await found(members, candidates);
    const network = new InProcessNetwork();
    const rules = { ...ELECTION_RULES, succession };
    const validators = members.map((one) => validator(one, founded, network, rules, options));
    const conductors = await Promise.all(
      candidates.map((one) => conductor(one, founded, network, succession, options)),
    );
    await Promise.all([...validators, ...conductors].map((node) => node.start()));
    const sequencers = new Map(conductors.map((one, i) => [must(ids[i], "one for each id"), one]));
    return new LocalCommittee(founded.known, validators, sequencers);
  }

  /** Throws when there is no such candidate. */
  sequencer(id: string): Conductor<P> {
    return must(this.#sequencers.get(id), "a sequencer is one of the candidates");
  }

  /** Resolves when this candidate has opened the epoch that it leads. */
  async serving(id: string): Promise<Conductor<P>> {
    const one = this.sequencer(id);
    for await (const { isServingHere } of one.leaderChannel()) {
      if (isServingHere) break;
    }
    return one;
  }

  stop(): void {
    for (const node of [...this.validators, ...this.#sequencers.values()]) node.stop();
  }
}

async function party(kind: string, name: string, scheme: SchemeId): Promise<Party> {
  const signer = await createAsyncSigner(scheme, randomSecretKey(scheme));
  return { name, endpoint: `local:${kind}/${name}`, signer };
}

/** The record of epoch 0: who certifies, who may lead, and who does. */
async function found(members: readonly Party[], candidates: readonly Party[]): Promise<Founded> {
  const [first] = candidates;
  const founding = {
    ...{ chainId: 0, app: ZERO_ADDRESS, era: crypto.getRandomValues(new Uint8Array(16)) },
    members,
    candidates: candidates.map(({ name, ...rest }) => ({ id: name, ...rest })),
    leader: must(first, "there is a candidate").name,
    quorum: null,
  };
  return await foundCommittee(founding, schemes);
}

function validator<P>(
  { endpoint, signer }: Party,
  { signed, known }: Founded,
  network: InProcessNetwork,
  rules: ElectionRules,
  { checkPayload = checkLinkage }: LocalCommitteeOptions<P>,
): Validator {
  const store = new MemoryValidatorStore(signed, known);
  const options = { store, signer, rules, checkPayload, metrics: new Metrics() };
  return new Validator(
    { ...options, genesis: known.hash },
    platformSurroundings(network.endpoint(endpoint)),
  );
}

async function conductor<P>(
  { endpoint, signer }: Party,
  { signed, known }: Founded,
  network: InProcessNetwork,
  succession: Succession,
  { type, genesis, rules }: LocalCommitteeOptions<P>,
): Promise<Conductor<P>> {
  const records = new MemoryRecordStore(signed);
  const manager = await MANAGERS[succession]({
    ...{ judge: platformJudge, store: records, genesis: known.hash },
  });
  const options = {
    ...{ type, manager, signer, genesis: genesis ?? null, metrics: new Metrics() },
    ...{ store: new MemoryPayloadStore(EMPTY_LINE), log: new MemoryCommitLog() },
    rules: { ...CONDUCTOR_RULES, ...rules },
  };
  return new Conductor<P>(options, platformSurroundings(network.endpoint(endpoint)));
}
