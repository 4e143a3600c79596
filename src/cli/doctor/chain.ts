/** `baton doctor` and Ethereum: is it the right chain, how far is it read, is there money for batches? */

import type { OverviewBody } from "../../core/api/overview.ts";
import { parseAddress } from "../../core/types/hex.ts";
import type { L1 } from "../../l1/l1.ts";
import { describeL1Error } from "../connect.ts";
import { formatAge } from "../overview.ts";
import { retrying } from "../read-inputs.ts";
import { type Check, fail, ok, skip } from "./check.ts";
import { judgeBalance, judgeLag, judgeProgress } from "./judge.ts";

/** `l1` null: without an endpoint the sequencer's own word has to do. */
export async function checkChain(l1: L1 | null, overview: OverviewBody): Promise<readonly Check[]> {
  if (l1 === null) {
    const { safe_block, safe_block_age_s } = overview.health;
    const said = `it says safe block ${safe_block ?? "?"}, ${formatAge(safe_block_age_s)} old`;
    return [skip("L1", `${said}; --rpc-url compares`), ...balanceSaid(overview)];
  }
  const chainId = await retrying(() => l1.chainId());
  if (!chainId.ok) return [unanswered(describeL1Error(chainId.error))];
  const { deployment } = overview;
  if (deployment !== null && deployment.chain_id !== chainId.value) {
    const says = `the endpoint is of chain ${chainId.value}, the sequencer of ${deployment.chain_id}`;
    return [fail("L1", says, "name an endpoint of the sequencer's chain")];
  }
  const chain = ok("L1", `chain ${chainId.value}`);
  const checks = [await checkContracts(l1, overview), ...(await checkHeads(l1, overview))];
  return [chain, ...checks, ...(await checkBalance(l1, overview))];
}

/** InputBox and its block are what L1 itself shows for the application. */
async function checkContracts(l1: L1, { deployment }: OverviewBody): Promise<Check> {
  const app = parseAddress(deployment?.app ?? "");
  if (deployment === null || app === null) return skip("contracts", "L1 was not seen yet");
  const found = await retrying(() => l1.discover(app));
  if (!found.ok)
    return fail("contracts", describeL1Error(found.error), "is SEQ_APP_ADDRESS right?");
  const { inputBox, inputBoxBlock } = found.value;
  const isSame =
    inputBox === deployment.input_box.toLowerCase() && inputBoxBlock === deployment.input_box_block;
  if (isSame) return ok("contracts", `InputBox ${deployment.input_box} of block ${inputBoxBlock}`);
  return fail(
    "contracts",
    "L1 shows another InputBox",
    "is it the chain that it was deployed for?",
  );
}

async function checkHeads(l1: L1, overview: OverviewBody): Promise<readonly Check[]> {
  const [latest, safe] = [
    await retrying(() => l1.block("latest")),
    await retrying(() => l1.block("safe")),
  ];
  if (!latest.ok) return [unanswered(describeL1Error(latest.error))];
  if (!safe.ok) return [unanswered(describeL1Error(safe.error))];
  const nowS = Date.now() / 1000;
  const ages = { latestS: nowS - latest.value.timestamp, safeS: nowS - safe.value.timestamp };
  return [
    judgeProgress({ ...ages, secondsPerBlock: overview.seconds_per_block }),
    judgeLag(overview.health.safe_block, safe.value.number),
  ];
}

async function checkBalance(l1: L1, { submitter }: OverviewBody): Promise<readonly Check[]> {
  const account = parseAddress(submitter.address);
  if (account === null) return [skip("submitter", "it is not said who submits")];
  const balance = await retrying(() => l1.balance(account));
  if (!balance.ok) return [unanswered(describeL1Error(balance.error))];
  return [judgeBalance(balance.value, submitter.address)];
}

function balanceSaid({ submitter }: OverviewBody): readonly Check[] {
  const { balance_wei, address } = submitter;
  if (balance_wei === null || !/^[0-9]{1,78}$/.test(balance_wei)) {
    return [skip("submitter", "its balance is not known yet")];
  }
  return [judgeBalance(BigInt(balance_wei), address)];
}

function unanswered(why: string): Check {
  return fail("L1", why, "is the RPC URL right, is its quota used up?");
}
