/**
 * Which deployment a replay is of: from flags, from `/deployment`, and as far as it goes from L1.
 *
 * Chain, InputBox and its block must be what L1 itself shows, or nothing is replayed. Which application
 * it is, who submits its batches and how it is configured, L1 cannot tell: what the flags leave open
 * there is the sequencer's word, and is named as such.
 */

import type { Application } from "../core/application/application.ts";
import { type Address, parseAddress } from "../core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../core/types/units.ts";
import { checksumAddress } from "../core/wire/address.ts";
import type { L1 } from "../l1/l1.ts";
import { describeL1Error } from "./connect.ts";
import { CommandFailure } from "./io.ts";
import { retrying } from "./read-inputs.ts";
import { describeRefusal, type Json, type SequencerClient } from "./sequencer-client.ts";

export type Deployment<AppConfig> = {
  readonly chainId: number;
  readonly app: Address;
  readonly inputBox: Address;
  readonly inputBoxBlock: BlockNumber;
  readonly submitter: Address;
  readonly appConfig: AppConfig;
};

/** Values that the user gives; those that are missing are asked of the sequencer. */
export type Given<AppConfig> = {
  readonly [Name in keyof Deployment<AppConfig>]: Deployment<AppConfig>[Name] | undefined;
};

export type Found<AppConfig> = {
  readonly deployment: Deployment<AppConfig>;
  /** What is the sequencer's word alone, as `/deployment` names it. */
  readonly trusted: Json;
};

/** Throws `CommandFailure`, also when the sequencer says another value than the one given. */
export async function findDeployment<AppConfig>(
  client: SequencerClient,
  given: Given<AppConfig>,
  application: Application<AppConfig>,
): Promise<Found<AppConfig>> {
  const { chainId, app, inputBox, inputBoxBlock, submitter, appConfig } = given;
  if (chainId !== undefined && app !== undefined && inputBox !== undefined) {
    if (inputBoxBlock !== undefined && submitter !== undefined && appConfig !== undefined) {
      const deployment = { chainId, app, inputBox, inputBoxBlock, submitter, appConfig };
      return { deployment, trusted: {} };
    }
  }
  const said = await askDeployment(client, application);
  const describe = (one: Given<AppConfig>): Json => describeDeployment(one, application);
  const [ours, theirs] = [describe(given), describe(said)];
  for (const [name, value] of Object.entries(ours)) {
    if (JSON.stringify(value) === JSON.stringify(theirs[name])) continue;
    throw new CommandFailure(`the sequencer says another ${name} than was given`);
  }
  const trusted = Object.entries(theirs).filter(
    ([name]) => ON_TRUST.includes(name) && ours[name] === undefined,
  );
  return { deployment: said, trusted: Object.fromEntries(trusted) };
}

const ON_TRUST = ["app", "submitter", "application_config"];

/** The names and forms of `/deployment`; what is not known is left out. */
function describeDeployment<AppConfig>(
  one: Given<AppConfig>,
  application: Application<AppConfig>,
): Json {
  const { chainId, app, inputBox, inputBoxBlock, submitter, appConfig } = one;
  const all = {
    chain_id: chainId,
    app: app && checksumAddress(app),
    input_box: inputBox && checksumAddress(inputBox),
    input_box_block: inputBoxBlock,
    submitter: submitter && checksumAddress(submitter),
    application_config: appConfig && application.describeConfig(appConfig),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function askDeployment<AppConfig>(
  client: SequencerClient,
  application: Application<AppConfig>,
): Promise<Deployment<AppConfig>> {
  const answer = await client.get("/deployment");
  if (answer.status !== 200) throw new CommandFailure(describeRefusal("/deployment", answer));
  const { body } = answer;
  if (body["application"] !== application.name) {
    throw new CommandFailure(`the sequencer does not run the application ${application.name}`);
  }
  const description = body["application_config"];
  const appConfig = isJson(description) ? application.parseDescription(description) : null;
  const [app, inputBox, submitter] = ["app", "input_box", "submitter"].map((name) =>
    addressIn(body, name),
  );
  const [chainId, inputBoxBlock] = ["chain_id", "input_box_block"].map((name) =>
    counterIn(body, name),
  );
  if (!app || !inputBox || !submitter || appConfig === null) throw malformed();
  if (chainId === undefined || inputBoxBlock === undefined) throw malformed();
  return {
    ...{ app, inputBox, submitter, appConfig, chainId },
    inputBoxBlock: blockNumber(inputBoxBlock),
  };
}

/** Throws `CommandFailure` unless L1 shows this chain and this InputBox for the application. */
export async function checkOnL1(l1: L1, deployment: Deployment<unknown>): Promise<void> {
  const chainId = await retrying(() => l1.chainId());
  if (!chainId.ok) throw new CommandFailure(describeL1Error(chainId.error));
  if (chainId.value !== deployment.chainId) {
    throw new CommandFailure(`L1 is chain ${chainId.value}, not ${deployment.chainId}`);
  }
  const found = await retrying(() => l1.discover(deployment.app));
  if (!found.ok) throw new CommandFailure(describeL1Error(found.error));
  const { inputBox, inputBoxBlock } = found.value;
  if (inputBox !== deployment.inputBox || inputBoxBlock !== deployment.inputBoxBlock) {
    throw new CommandFailure(
      `L1 shows InputBox ${checksumAddress(inputBox)} of block ${inputBoxBlock} for the application`,
    );
  }
}

/** A safe integer from 0. */
export function counterIn(body: Json, name: string): number | undefined {
  const value = body[name];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function addressIn(body: Json, name: string): Address | null {
  const value = body[name];
  return typeof value === "string" ? parseAddress(value) : null;
}

/** A JSON object. */
export function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const malformed = () => new CommandFailure("/deployment has not the shape of a deployment");
