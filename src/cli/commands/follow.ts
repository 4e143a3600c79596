/** `baton follow`: the feed, a line for each record, for as long as one likes (F1 to F7). */

import { formatRecord } from "../../core/feed/record.ts";
import { toHex } from "../../core/types/hex.ts";
import { checksumAddress } from "../../core/wire/address.ts";
import { createClient } from "../../sdk/client.ts";
import type { FeedEvent } from "../../sdk/client-types.ts";
import type { Cli } from "../command.ts";
import { CommandFailure, type Io, type SpeechOptions } from "../io.ts";
import { counterOf, countOf, urlOf, withUrl } from "../options.ts";

type Flags = SpeechOptions & {
  readonly from?: number;
  readonly limit?: number;
  readonly once?: boolean;
  readonly certificates?: boolean;
  readonly era?: string;
};

const LIMIT_MAX = 1_000_000_000;
const DATA_CHARS_MAX = 100;
const HELP = `
It resumes by itself where a connection was lost, without a gap or a repeat, and ends at Ctrl-C. With --json
each line is a record as it is on the wire. A record of kind rollback voids what came before it with an offset
above its keep_through (docs/protocol/feed.md).
`;

export function addFollow<AppConfig>(cli: Cli<AppConfig>): void {
  const { io } = cli;
  cli.command<Flags>(
    {
      name: "follow",
      does: "prints the feed as it comes",
      exits: {
        0: "it was ended, or --limit or --once was reached",
        1: "the feed cannot be read on",
      },
      help: HELP,
    },
    (command) =>
      withUrl(command)
        .option(
          "--from <offset>",
          "after this offset, 0 for all (default: what comes now)",
          counterOf,
        )
        .option("--limit <n>", "end after so many records", countOf(LIMIT_MAX))
        .option("--once", "end when everything that is there now was printed")
        .option("--certificates", "print certificates too, under a committee")
        .option("--era <uuid>", "refuse another history than this one"),
    ({ args, flags }) => follow(io, urlOf(io, args[0]), flags),
  );
}

async function follow(io: Io, url: string, flags: Flags): Promise<number> {
  const { json, limit = Number.POSITIVE_INFINITY, once = false } = flags;
  const client = createClient({ url });
  const { feed_head: head } = await client.health();
  if (head === null) throw new CommandFailure("the sequencer has no history yet");
  const from = flags.from ?? head;
  const end = once ? head : Number.POSITIVE_INFINITY;
  if (from >= end) return 0;
  const signal = io.interrupted();
  const options = {
    ...{ fromOffset: from, signal, certificates: flags.certificates === true },
    ...(flags.era === undefined ? {} : { era: flags.era }),
  };
  let printed = 0;
  try {
    for await (const event of client.follow(options)) {
      io.stdout(`${json === true ? formatJson(event) : formatLine(event)}\n`);
      if (event.kind === "certificate") continue;
      printed += 1;
      if (printed >= limit || event.offset >= end) return 0;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return 0;
}

/** As on the wire. */
function formatJson(event: FeedEvent): string {
  if (event.kind !== "certificate") return formatRecord(event);
  const { kind, epoch, height, chunk, nextOffset: next_offset, certificate } = event;
  return JSON.stringify({ kind, epoch, height, chunk, next_offset, certificate });
}

function formatLine(event: FeedEvent): string {
  switch (event.kind) {
    case "user_op": {
      const { offset, sender, nonce, fee, data, batchNonce } = event;
      return `${offset}  op        ${checksumAddress(sender)} nonce ${nonce} fee ${fee} batch ${batchNonce} ${shorten(data)}`;
    }
    case "direct_input": {
      const { offset, sender, inputIndex, blockNumber, payload } = event;
      return `${offset}  direct    ${checksumAddress(sender)} input ${inputIndex} of block ${blockNumber} ${shorten(payload)}`;
    }
    case "rollback": {
      const { offset, keepThrough, generation } = event;
      return `${offset}  ROLLBACK  offsets above ${keepThrough} are void, generation ${generation}`;
    }
    case "certificate":
      return `-  certified below ${event.nextOffset}, height ${event.height} of epoch ${event.epoch}`;
  }
}

function shorten(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return hex.length <= DATA_CHARS_MAX ? hex : `${hex.slice(0, DATA_CHARS_MAX)}…`;
}
