/**
 * Liars: a sequencer that signs two chunks at one height, and members that ack whatever they are shown.
 *
 * The lying sequencer is an honest one whose messages are changed on their way: some members get a twin
 * of a chunk, with another payload under the same epoch and height. The members that ack twice are
 * honest ones too, with a second voice that acks every target of the liar, at once and from no memory.
 */

import type { Message, SentChunk } from "../../src/consensus/messages.ts";
import { decodeEntry, encodeEntry, entryRoot } from "../../src/consensus/payload.ts";
import { chunkPreimage } from "../../src/core/chunk/header.ts";
import { ackPreimage } from "../../src/core/consensus/ack.ts";
import { chunkRef } from "../../src/core/consensus/signed-header.ts";
import { type ChunkRef, memberIndex } from "../../src/core/consensus/types.ts";
import { must } from "../../src/core/types/assert.ts";
import { bytesEqual } from "../../src/core/types/bytes.ts";
import type { Hash32 } from "../../src/core/types/hex.ts";
import type { Random } from "../sim/random.ts";
import { blockType } from "./block.ts";
import { testSignature, testSigner } from "./test-scheme.ts";
import type { World } from "./world.ts";

export type Twin = {
  readonly epoch: number;
  readonly original: ChunkRef;
  readonly forged: ChunkRef;
  readonly chunk: SentChunk;
  /** Who is shown the forged one. */
  readonly deceived: ReadonlySet<string>;
};

export class Liars {
  readonly #world: World;
  readonly #random: Random;
  readonly #liar: string;
  readonly #voters: readonly string[];
  readonly #chance: number;
  /** By the hash of the original; null where it was let pass. */
  readonly #twins = new Map<Hash32, Twin | null>();

  constructor(
    world: World,
    random: Random,
    liar: string,
    voters: readonly string[],
    chance: number,
  ) {
    this.#world = world;
    this.#random = random;
    this.#liar = liar;
    this.#voters = voters;
    this.#chance = chance;
    const { members } = world.ground.genesis.known.record;
    for (const name of voters) {
      const { publicKey } = testSigner(name);
      world.secondVoices.add(members.findIndex(({ key }) => bytesEqual(key, publicKey)));
    }
  }

  get twins(): readonly Twin[] {
    return [...this.#twins.values()].filter((twin) => twin !== null);
  }

  start(): void {
    this.#world.network.tamper = (from, to, message) => this.#change(from, to, message);
  }

  stop(): void {
    this.#world.network.tamper = (_from, _to, message) => [message];
  }

  #change(from: string, to: string, message: Message): readonly Message[] {
    if (from !== this.#liar || message.is !== "propose") return [message];
    const shown = this.#show(to, message);
    if (shown.target !== null) this.#ackAll(shown, shown.target);
    return [shown];
  }

  /** The message as this member gets it: up to the first chunk that it is shown the twin of. */
  #show(to: string, message: Message & { readonly is: "propose" }) {
    const { chunks } = message.feed;
    for (const [i, chunk] of chunks.entries()) {
      const twin = this.#twinOf(chunk);
      if (twin === null || !twin.deceived.has(to)) continue;
      const feed = { ...message.feed, chunks: [...chunks.slice(0, i), twin.chunk] };
      return { ...message, feed, target: message.target === null ? null : twin.forged };
    }
    const twin = message.target === null ? null : (this.#twins.get(message.target.hash) ?? null);
    const isDeceived = twin?.deceived.has(to) ?? false;
    return isDeceived && twin !== null ? { ...message, target: twin.forged } : message;
  }

  #twinOf({ signed, payload }: SentChunk): Twin | null {
    const original = chunkRef(signed.header);
    const known = this.#twins.get(original.hash);
    if (known !== undefined) return known;
    const { publicKey } = testSigner(this.#liar);
    const isOwn = bytesEqual(
      signed.signature,
      testSignature(publicKey, chunkPreimage(signed.header)),
    );
    const entry = decodeEntry(payload);
    const isLie = isOwn && entry?.is === "payload" && this.#random.chance(this.#chance);
    const twin = isLie ? this.#forge(signed, original, entry.bytes) : null;
    this.#twins.set(original.hash, twin);
    return twin;
  }

  /** The same block with another text. */
  #forge(signed: SentChunk["signed"], original: ChunkRef, bytes: Uint8Array): Twin {
    const block = must(blockType.decode(bytes), "a payload is a block");
    const lie = blockType.encode({ ...block, text: "a lie" });
    const payload = encodeEntry({ is: "payload", bytes: lie });
    const header = { ...signed.header, root: entryRoot(payload) };
    const { publicKey } = testSigner(this.#liar);
    const signature = testSignature(publicKey, chunkPreimage(header));
    const names = this.#world.validators.map(({ name }) => name);
    const deceived = new Set(names.filter(() => this.#random.chance(0.4)));
    const chunk = { signed: { ...signed, header, signature }, payload };
    return { epoch: header.epoch, original, forged: chunkRef(header), chunk, deceived };
  }

  /** The second voices ack what anybody is asked to ack. */
  #ackAll(message: Message & { readonly is: "propose" }, target: ChunkRef): void {
    const { record } = this.#world.ground.genesis.known;
    const { chainId, app } = record;
    for (const name of this.#voters) {
      const { publicKey, scheme } = testSigner(name);
      const at = record.members.findIndex(({ key }) => bytesEqual(key, publicKey));
      const statement = {
        ...{ chainId, app, epoch: message.epoch, recordHash: message.recordHash },
        ...{ height: target.height, chunkHash: target.hash },
      };
      const signature = testSignature(publicKey, ackPreimage(statement));
      const by = { member: memberIndex(at), scheme, signature };
      this.#world.network.endpoint(name).send(this.#liar, { is: "ack", ack: { statement, by } });
    }
  }
}
