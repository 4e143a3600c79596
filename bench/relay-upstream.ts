/**
 * A feed of as many records as one wants, at no cost: `GET /feed` and `GET /ws/subscribe` as on the wire.
 *
 * Records are made when they are asked for. Nothing ever comes after the last one.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { formatFeedPage } from "../src/core/api/responses.ts";
import { formatRecord } from "../src/core/feed/record.ts";
import { addressFromBytes } from "../src/core/types/hex.ts";
import { batchNonce, blockNumber, feeExponent, offset } from "../src/core/types/units.ts";

const ERA = "6f0f1b5e-5f43-4c5b-9a59-0f9a2f6b7c11";
const SENDER = addressFromBytes(new Uint8Array(20).fill(0x5e));
/** As long as a transfer of the wallet. */
const DATA = new Uint8Array(53).fill(1);

export type Upstream = { readonly url: string; stop(): void };

/** A feed that ends at `head`. */
export async function serveFeed(head: number): Promise<Upstream> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://upstream");
    const from = Number(searchParams.get("from_offset") ?? "0");
    const limit = Number(searchParams.get("limit") ?? "256");
    const last = Math.min(head, from + limit);
    const records = Array.from({ length: Math.max(0, last - from) }, (_, i) =>
      textOf(from + i + 1),
    );
    const place = { era: ERA, generation: 0, available_from: 0, head, next_offset: last };
    response.setHeader("content-type", "application/json");
    response.end(formatFeedPage({ ...place, records }));
  });
  // A relay that has the last record waits for the next one, in vain.
  const sockets = new WebSocketServer({ server });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

function textOf(at: number): string {
  return formatRecord({
    kind: "user_op",
    offset: offset(at),
    sender: SENDER,
    nonce: at,
    fee: feeExponent(1060),
    data: DATA,
    safeBlock: blockNumber(1_000),
    batchNonce: batchNonce(3),
  });
}
