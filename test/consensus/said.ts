/** Whether a validator may have said what it just said: its disk must know of it already. */

import type { Message } from "../../src/consensus/messages.ts";
import type { ValidatorImage } from "../../src/consensus/validator-store.ts";
import { compareTips } from "../../src/core/consensus/types.ts";
import { tipOfAck } from "../../src/core/consensus/validator-state.ts";

/** What is not on the disk; null when everything is. */
export function unwritten(message: Message, image: ValidatorImage): string | null {
  const { durable, election } = image;
  switch (message.is) {
    case "ack": {
      const { epoch, height, chunkHash } = message.ack.statement;
      const acked = { ackEpoch: epoch, height, hash: chunkHash };
      return compareTips(tipOfAck(durable.tip), acked) < 0 ? `ack of ${height}` : null;
    }
    case "report": {
      const { promisedEpoch } = message.report.statement;
      return durable.promised.epoch < promisedEpoch ? `promise of ${promisedEpoch}` : null;
    }
    case "vote":
    case "ask": {
      const { term } = message.vote.statement;
      return election === null || election.term < term ? `vote in ${term}` : null;
    }
    case "signed": {
      const known = new Set([
        ...durable.accepted.map((one) => one.known.hash),
        ...image.records.map(({ record }) => record.previous),
        durable.head.hash,
      ]);
      const missing = message.records.find((hash) => !known.has(hash));
      return missing === undefined ? null : `signature of record ${missing}`;
    }
    default:
      return null;
  }
}
