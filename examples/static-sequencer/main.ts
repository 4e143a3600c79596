/** Three sequencers that take turns over one log, and one that never hands over. */

import { digestOf, LocalCommittee, type PayloadType } from "baton-sequencer/consensus";

type Note = { readonly height: number; readonly by: string };

const notes: PayloadType<Note> = {
  height: ({ height }) => height,
  parent: () => null,
  encode,
  decode,
  digest: (note) => digestOf(encode(note)),
};

function encode({ height, by }: Note): Uint8Array {
  return new Uint8Array([height, ...new TextEncoder().encode(by)]);
}

function decode([height, ...by]: Uint8Array): Note | null {
  if (height === undefined) return null;
  return { height, by: new TextDecoder().decode(new Uint8Array(by)) };
}

const names = ["alice", "bob", "carol"];

/** The leader of an epoch is fixed: epoch mod sequencers. */
const taking = await LocalCommittee.start({
  type: notes,
  sequencers: names,
  succession: "schedule",
});
for (const [epoch, name] of [...names, "alice"].entries()) {
  const leader = await taking.serving(name);
  const leading = names.map((one) => taking.sequencer(one).leader());
  console.log(`epoch ${epoch}: ${name} leads (${leading.join(", ")})`);
  const height = ((await leader.latest({ level: "certified" }))?.payload.height ?? -1) + 1;
  const committed = await leader.commit({ height, by: name });
  console.log(`  note ${height} is ${committed.ok ? "certified" : committed.error.reason}`);
  if (epoch < names.length) await leader.transferLeader();
}
const log = await Promise.all(names.map((_, height) => taking.sequencer("alice").byHeight(height)));
console.log(`one log through all epochs: ${log.map((one) => one?.payload.by).join(", ")}`);
taking.stop();

const single = await LocalCommittee.start({
  type: notes,
  sequencers: names,
  succession: "single",
});
const moved = await single.sequencer("alice").transferLeader("bob");
console.log(`a single sequencer hands over: ${moved.ok ? "yes" : moved.error.reason}`);
single.stop();
