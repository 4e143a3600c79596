/** `baton verify-receipt`: its flags, and what they mean (C2). */

import type { Hash32 } from "../../core/types/hex.ts";
import type { Cli } from "../command.ts";
import type { SpeechOptions } from "../io.ts";
import { hashOf, urlOf } from "../options.ts";
import { PROVEN, REFUTED, UNREADABLE, verifyReceiptFile } from "../verify-receipt.ts";

type Flags = SpeechOptions & { readonly epochs?: string; readonly genesis?: Hash32 };

const HELP = `
The file holds a receipt, or an answer of POST /tx or GET /tx/:sender/:nonce; - is stdin. Who pins the
first record's hash, which /deployment shows, has to trust nobody else. The epochs may come from anybody:
save GET /epochs, and nothing is asked of a server.
`;

export function addVerifyReceipt<AppConfig>(cli: Cli<AppConfig>): void {
  cli.command<Flags>(
    {
      name: "verify-receipt",
      does: "verifies a receipt offline, and says what it proves",
      exits: { [PROVEN]: "proven", [REFUTED]: "refuted", [UNREADABLE]: "it could not be told" },
      failed: UNREADABLE,
      help: HELP,
    },
    (command) =>
      command
        .argument("<file>", "a receipt, or an answer that holds one; - is stdin")
        .option(
          "--epochs <file|url>",
          "the epoch records: a saved GET /epochs, or a sequencer (default: BATON_URL, or the local one)",
        )
        .option(
          "--genesis <hash>",
          "the first record's hash, instead of what the epochs say",
          hashOf,
        ),
    ({ args, flags }) => {
      const { json, genesis } = flags;
      const epochs = flags.epochs ?? urlOf(cli.io, undefined);
      const speech = json === undefined ? {} : { json };
      return verifyReceiptFile(cli.io, { ...speech, file: args[0] ?? "-", epochs, genesis });
    },
  );
}
