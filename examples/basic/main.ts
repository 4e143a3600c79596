/** One sequencer, four validators: a text is ordered, certified by a quorum, and verified by itself. */

import {
  digestOf,
  encodeCertificate,
  LocalCommittee,
  type PayloadType,
  verifyCertificate,
} from "baton-sequencer/consensus";

type Text = { readonly height: number; readonly text: string };

/** What a conductor has to know of a payload: its number, its bytes, its digest. */
const texts: PayloadType<Text> = {
  height: ({ height }) => height,
  parent: () => null,
  encode,
  decode,
  digest: (text) => digestOf(encode(text)),
};

/** The number in four bytes, then the text. */
function encode({ height, text }: Text): Uint8Array {
  const bytes = new Uint8Array([0, 0, 0, 0, ...new TextEncoder().encode(text)]);
  new DataView(bytes.buffer).setUint32(0, height);
  return bytes;
}

/** Bytes may come from anybody: null when they are no payload. */
function decode(bytes: Uint8Array): Text | null {
  if (bytes.length < 4) return null;
  const height = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { height, text: new TextDecoder().decode(bytes.subarray(4)) };
}

const committee = await LocalCommittee.start({
  type: texts,
  sequencers: ["alice"],
  rules: { commitMs: 500 },
});
const alice = committee.sequencer("alice");
const [first, second] = committee.validators;
console.log(`alice leads: ${alice.leader()}`);

await commit({ height: 0, text: "hello baton" });

first?.stop();
console.log("one of four validators stops");
await commit({ height: 1, text: "three are a quorum" });

second?.stop();
console.log("another one stops");
await commit({ height: 2, text: "two are not" });

const accepted = await alice.latest({ level: "accepted" });
const certified = await alice.latest({ level: "certified" });
console.log(`accepted: "${accepted?.payload.text}"`);
console.log(`certified: "${certified?.payload.text}"`);
committee.stop();

/** Resolves when a quorum has it on disk, or with the reason why none has. */
async function commit(text: Text): Promise<void> {
  const result = await alice.commit(text);
  if (!result.ok) {
    console.log(`"${text.text}" is not certified: ${result.error.reason}`);
    return;
  }
  const { certificate } = result.value;
  const isValid = await verifyCertificate(certificate, committee.genesis);
  const { signers } = certificate.signatures;
  const { length } = encodeCertificate(certificate);
  console.log(`"${text.text}" is certified by ${signers.length} of 4, in ${length} bytes`);
  console.log(`  the certificate verifies without asking anybody: ${isValid}`);
}
