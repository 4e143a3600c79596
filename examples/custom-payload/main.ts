/** Blocks with parents and a rule of their own, which every validator checks before it signs. */

import {
  checkFully,
  digestOf,
  type Hash32,
  hash32,
  LocalCommittee,
  type PayloadType,
} from "baton-sequencer/consensus";

type Block = {
  readonly height: number;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly parent: Hash32 | null;
  readonly data: string;
};

const blocks: PayloadType<Block> = {
  height: ({ height }) => height,
  parent: ({ parent }) => parent,
  encode,
  decode,
  digest: (block) => digestOf(encode(block)),
};

/** Before the data: height and timestamp, a flag, and the parent, zero where there is none. */
const HEAD_BYTES = 8 + 8 + 1 + 32;

/** Equal blocks have equal bytes and different ones different bytes, so a digest names one block. */
function encode({ height, timestamp, parent, data }: Block): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES + Buffer.byteLength(data));
  bytes.writeBigUInt64LE(BigInt(height), 0);
  bytes.writeBigUInt64LE(BigInt(timestamp), 8);
  bytes.writeUInt8(parent === null ? 0 : 1, 16);
  if (parent !== null) bytes.write(parent.slice(2), 17, "hex");
  bytes.write(data, HEAD_BYTES);
  return bytes;
}

/** Bytes may come from anybody: null unless they are what `encode` makes of a block. */
function decode(given: Uint8Array): Block | null {
  const bytes = Buffer.from(given);
  if (bytes.length < HEAD_BYTES) return null;
  const block = {
    height: Number(bytes.readBigUInt64LE(0)),
    timestamp: Number(bytes.readBigUInt64LE(8)),
    parent: bytes[16] === 0 ? null : hash32(`0x${bytes.toString("hex", 17, HEAD_BYTES)}`),
    data: bytes.toString("utf8", HEAD_BYTES),
  };
  return bytes.equals(encode(block)) ? block : null;
}

/** The rule: no block is from the future. Each validator asks for itself, before it acks. */
const checkPayload = checkFully(blocks, ({ timestamp }) =>
  Promise.resolve(timestamp <= Date.now() / 1000),
);

const now = Math.floor(Date.now() / 1000);
const genesis: Block = { height: 0, timestamp: now - 2, parent: null, data: "" };
const one: Block = { height: 1, timestamp: now - 1, parent: blocks.digest(genesis), data: "one" };
const stray: Block = { height: 2, timestamp: now, parent: blocks.digest(genesis), data: "stray" };
const early: Block = { ...stray, timestamp: now + 60, parent: blocks.digest(one), data: "early" };
console.log(`genesis ${blocks.digest(genesis)}`);
console.log(`block 1 ${blocks.digest(one)}`);
console.log(`its parent is genesis: ${blocks.parent(one) === blocks.digest(genesis)}`);
console.log(`it comes back from its bytes: ${decode(encode(one))?.data === one.data}`);

const committee = await LocalCommittee.start({
  type: blocks,
  sequencers: ["alice"],
  genesis: { height: 0, digest: blocks.digest(genesis) },
  checkPayload,
  rules: { commitMs: 500 },
});
const alice = committee.sequencer("alice");
for (const block of [one, stray, early]) {
  const result = await alice.commit(block);
  console.log(`block "${block.data}": ${result.ok ? "certified" : result.error.reason}`);
}
committee.stop();
