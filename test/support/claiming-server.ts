/** A server that claims a finalized state, as a sequencer would, or as a liar would. */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { walletApplication } from "../../src/apps/wallet/wallet.ts";
import { checksumAddress } from "../../src/core/wire/address.ts";
import type { WalletChain } from "./wallet-chain.ts";

export type Claim = {
  readonly inclusionBlock: number;
  readonly executedInputCount: number;
  readonly bytes: Uint8Array;
  /** Of the bytes, unless told otherwise. */
  readonly sha256?: string;
};

export type ClaimingServer = {
  readonly url: string;
  /** What it says from now on; one after the other, and the last for good. */
  claim(...claims: readonly Claim[]): void;
  /** Fields of `/deployment` that differ from the truth. */
  readonly deployment: Record<string, unknown>;
  /** Every request's path and its `Authorization`. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
  /** Answers a path in another way. */
  readonly answers: Map<string, (response: ServerResponse) => void>;
  stop(): Promise<void>;
};

export async function startClaimingServer(chain: WalletChain): Promise<ClaimingServer> {
  let claims: readonly Claim[] = [];
  const requests: ClaimingServer["requests"] = [];
  const answers: ClaimingServer["answers"] = new Map();
  const deployment: Record<string, unknown> = {};
  const next = (): Claim | undefined => {
    const [now, ...later] = claims;
    if (later.length > 0) claims = later;
    return now;
  };
  const serve = ({ url = "", headers }: IncomingMessage, response: ServerResponse) => {
    requests.push({ path: url, authorization: headers.authorization });
    const other = answers.get(url);
    if (other !== undefined) return other(response);
    if (url === "/deployment") return send(response, 200, { ...truth(chain), ...deployment });
    const claim = next();
    if (claim === undefined) return send(response, 404, NONE);
    if (url === "/finalized_state/digest") return send(response, 200, digestOf(claim));
    response.setHeader("x-inclusion-block", String(claim.inclusionBlock));
    response.end(claim.bytes);
  };
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    claim: (...all) => {
      claims = all;
    },
    deployment,
    requests,
    answers,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const NONE = { ok: false, code: "NOT_FOUND", message: "no snapshot" };

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}

function digestOf({ inclusionBlock, executedInputCount, bytes, sha256 }: Claim) {
  return {
    inclusion_block: inclusionBlock,
    executed_input_count: executedInputCount,
    sha256: sha256 ?? createHash("sha256").update(bytes).digest("hex"),
  };
}

function truth({ target, config }: WalletChain) {
  return {
    chain_id: target.chainId,
    app: checksumAddress(target.app),
    input_box: checksumAddress(target.inputBox),
    input_box_block: target.inputBoxBlock,
    submitter: checksumAddress(target.submitter),
    application: walletApplication.name,
    application_config: walletApplication.describeConfig(config),
    era: "00000000-0000-4000-8000-000000000000",
  };
}
