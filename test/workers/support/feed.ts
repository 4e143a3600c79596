/** Readers of a rig's feed, and history that is long enough to keep them busy. */

import { expect } from "vitest";
import type { SubscribeQuery } from "../../../src/core/api/query.ts";
import { addInput, found, user } from "./history.ts";
import { type Reader, read } from "./reader.ts";
import type { Rig } from "./rig.ts";

export function subscribe(rig: Rig, query: Partial<SubscribeQuery> = {}): Reader {
  const answer = rig.feed.subscribe({ fromOffset: 0, era: null, isBatched: false, ...query });
  return answer.ok ? read(answer.value) : expect.unreachable(answer.error.message);
}

export function refusal(rig: Rig, query: Partial<SubscribeQuery> = {}): unknown {
  const answer = rig.feed.subscribe({ fromOffset: 0, era: null, isBatched: false, ...query });
  return answer.ok ? null : [answer.error.status, answer.error.code];
}

/** The server's end of the newest socket. */
export function serverEnd(rig: Rig): WebSocket {
  return rig.state.getWebSockets().at(0) ?? expect.unreachable("a socket is open");
}

/** Ops by SQL, faster than the lane includes them. They stay in the open frame. */
export function fill(rig: Rig, ops: number): void {
  rig.sql.exec(
    `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
     INSERT INTO user_ops SELECT 0, 0, i, ?, i, 1060, x'00', zeroblob(65), 1 FROM n`,
    ops,
    new Uint8Array(20).fill(1),
  );
}

/** Direct inputs whose records are 130 KB of text: 8 make a page. */
export function fillWithLong(rig: Rig, directs: number): void {
  const payload = new Uint8Array(65_216).fill(1);
  for (let i = 0; i < directs; i++) addInput(rig, user(0), payload, 5);
  found(rig);
}

/** The same long inputs, drained by the next frame. */
export function fillAfterGenesis(rig: Rig, directs: number): void {
  const payload = new Uint8Array(65_216).fill(1);
  for (let i = 0; i < directs; i++) addInput(rig, user(0), payload, 101);
  rig.sql.exec("UPDATE l1_safe_head SET block_number = 110");
  rig.lane.advance();
}
