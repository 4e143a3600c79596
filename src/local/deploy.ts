/**
 * Puts the real Cartesi contracts on a development chain: InputBox, portals, factories and one application (L3).
 *
 * Every address follows from the bytecode and a salt, so a second run finds what the first one made and
 * sends nothing. It needs the CREATE2 deployer that anvil carries; it is not for a public chain.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  type Abi,
  type Account,
  type Chain,
  type Client,
  concat,
  createClient,
  defineChain,
  encodeAbiParameters,
  encodeFunctionData,
  getContractAddress,
  type Hash,
  type Hex,
  http,
  pad,
  parseAbi,
  type Transport,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import {
  getCode,
  getTransactionCount,
  readContract,
  sendTransaction,
  waitForTransactionReceipt,
} from "viem/actions";
import { type Address, address } from "../core/types/hex.ts";
import { type BlockNumber, blockNumber } from "../core/types/units.ts";

export type RollupsDeployment = {
  readonly chainId: number;
  readonly inputBox: Address;
  /** Block in which InputBox was deployed: where a scan starts. */
  readonly inputBoxBlock: BlockNumber;
  readonly etherPortal: Address;
  readonly erc20Portal: Address;
  readonly authorityFactory: Address;
  readonly applicationFactory: Address;
  readonly selfHostedApplicationFactory: Address;
  readonly authority: Address;
  readonly app: Address;
};

export type DeployOptions = {
  readonly chainId: number;
  /** 0x and 64 digits; must own ether. Owns the application and its authority. */
  readonly deployerKey: Hex;
  /** Applications of one deployer differ by it. Default 0. */
  readonly appSalt?: number;
};

/** A client bound to the deployer's account, as the functions below take it. */
export type DeployClient = Client<Transport, Chain, Account>;

const CREATE2_DEPLOYER: Hex = "0x4e59b44847b379578588920ca78fbf26c0b4956c";
const SALT: Hex = pad("0x00", { size: 32 });
const EPOCH_BLOCKS = 7200n;
/** Stands for a Cartesi machine that nobody runs here; the contract only stores it. */
const TEMPLATE_HASH: Hex = pad("0x01", { size: 32 });
/** `deployContracts` uses about 1.27 million; an estimate would need the factories mined first. */
const DEPLOY_APP_GAS = 3_000_000n;
const RECEIPT_POLL_MS = 100;

const selfHostedAbi = parseAbi([
  "function calculateAddresses(address authorityOwner, uint256 epochLength, address appOwner, bytes32 templateHash, bytes dataAvailability, bytes32 salt) view returns (address application, address authority)",
  "function deployContracts(address authorityOwner, uint256 epochLength, address appOwner, bytes32 templateHash, bytes dataAvailability, bytes32 salt) returns (address application, address authority)",
]);
const inputBoxAbi = parseAbi(["function getDeploymentBlockNumber() view returns (uint256)"]);
const dataAvailabilityAbi = parseAbi(["function InputBox(address inputBox)"]);

/**
 * Deploys what is missing and returns every address. Throws when the chain refuses a transaction.
 * The deployer's nonce must not be used by anything else meanwhile.
 */
export async function deployRollups(
  rpcUrl: string,
  options: DeployOptions,
): Promise<RollupsDeployment> {
  const client = deployClient(rpcUrl, options);
  const codes = rollupsCodes();
  await deployCreate2(client, Object.values(codes));
  const inputBox = create2Address(codes.inputBox);
  const selfHosted = create2Address(codes.selfHostedApplicationFactory);
  const salt = pad(`0x${(options.appSalt ?? 0).toString(16)}`, { size: 32 });
  const { app, authority } = await deployApplication(client, { selfHosted, inputBox, salt });
  const inputBoxBlock = await readContract(client, {
    address: inputBox,
    abi: inputBoxAbi,
    functionName: "getDeploymentBlockNumber",
  });
  return {
    chainId: options.chainId,
    inputBox,
    inputBoxBlock: blockNumber(Number(inputBoxBlock)),
    etherPortal: create2Address(codes.etherPortal),
    erc20Portal: create2Address(codes.erc20Portal),
    authorityFactory: create2Address(codes.authorityFactory),
    applicationFactory: create2Address(codes.applicationFactory),
    selfHostedApplicationFactory: selfHosted,
    authority,
    app,
  };
}

export function deployClient(
  rpcUrl: string,
  options: Pick<DeployOptions, "chainId" | "deployerKey">,
): DeployClient {
  const chain = defineChain({
    id: options.chainId,
    name: "local",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const account = privateKeyToAccount(options.deployerKey);
  return createClient({
    account,
    chain,
    transport: http(rpcUrl),
    pollingInterval: RECEIPT_POLL_MS,
  });
}

/** Where `deployCreate2` puts `code`. */
export function create2Address(code: Hex): Address {
  const found = getContractAddress({
    opcode: "CREATE2",
    from: CREATE2_DEPLOYER,
    salt: SALT,
    bytecode: code,
  });
  return address(found.toLowerCase());
}

/** Deploys each creation code (with its constructor arguments) that the chain does not hold yet. */
export async function deployCreate2(client: DeployClient, codes: readonly Hex[]): Promise<void> {
  if (!(await isDeployed(client, CREATE2_DEPLOYER))) {
    throw new Error("the chain has no CREATE2 deployer: use anvil");
  }
  const found = await Promise.all(codes.map((code) => isDeployed(client, create2Address(code))));
  const missing = codes.filter((_, i) => found[i] === false);
  await sendAll(
    client,
    missing.map((code) => ({ to: CREATE2_DEPLOYER, data: concat([SALT, code]) })),
  );
  for (const code of missing) {
    if (!(await isDeployed(client, create2Address(code)))) throw new Error("a deployment is empty");
  }
}

async function deployApplication(
  client: DeployClient,
  at: { readonly selfHosted: Address; readonly inputBox: Address; readonly salt: Hex },
): Promise<{ readonly app: Address; readonly authority: Address }> {
  const owner = client.account.address;
  const dataAvailability = encodeFunctionData({ abi: dataAvailabilityAbi, args: [at.inputBox] });
  const args = [owner, EPOCH_BLOCKS, owner, TEMPLATE_HASH, dataAvailability, at.salt] as const;
  const [app, authority] = await readContract(client, {
    address: at.selfHosted,
    abi: selfHostedAbi,
    functionName: "calculateAddresses",
    args,
  });
  if (!(await isDeployed(client, app))) {
    const data = encodeFunctionData({ abi: selfHostedAbi, functionName: "deployContracts", args });
    await sendAll(client, [{ to: at.selfHosted, data, gas: DEPLOY_APP_GAS }]);
    if (!(await isDeployed(client, app))) throw new Error("the application was not deployed");
  }
  return { app: address(app.toLowerCase()), authority: address(authority.toLowerCase()) };
}

type Call = { readonly to: Hex; readonly data: Hex; readonly gas?: bigint };

/** Sends at consecutive nonces before it waits, so a chain with slow blocks needs only one of them. */
async function sendAll(client: DeployClient, calls: readonly Call[]): Promise<void> {
  const { address: from } = client.account;
  const first = await getTransactionCount(client, { address: from, blockTag: "pending" });
  const hashes: Hash[] = [];
  for (const [i, call] of calls.entries()) {
    hashes.push(await sendTransaction(client, { ...call, nonce: first + i }));
  }
  for (const hash of hashes) {
    const receipt = await waitForTransactionReceipt(client, { hash });
    if (receipt.status !== "success") throw new Error("a deployment transaction reverted");
  }
}

async function isDeployed(client: DeployClient, at: Hex): Promise<boolean> {
  return (await getCode(client, { address: at })) !== undefined;
}

/** Creation codes with their constructor arguments. */
function rollupsCodes() {
  const inputBox = artifact("InputBox").code;
  const onInputBox = encodeAddresses(create2Address(inputBox));
  const authorityFactory = artifact("AuthorityFactory").code;
  const applicationFactory = artifact("ApplicationFactory").code;
  const factories = encodeAddresses(
    create2Address(authorityFactory),
    create2Address(applicationFactory),
  );
  return {
    inputBox,
    etherPortal: concat([artifact("EtherPortal").code, onInputBox]),
    erc20Portal: concat([artifact("ERC20Portal").code, onInputBox]),
    authorityFactory,
    applicationFactory,
    selfHostedApplicationFactory: concat([
      artifact("SelfHostedApplicationFactory").code,
      factories,
    ]),
  };
}

function encodeAddresses(...addresses: readonly Address[]): Hex {
  return encodeAbiParameters(
    addresses.map(() => ({ type: "address" })),
    addresses,
  );
}

/** A contract of `@cartesi/rollups` as its package ships it. */
export function artifact(name: string): { readonly abi: Abi; readonly code: Hex } {
  const path = createRequire(import.meta.url).resolve(
    `@cartesi/rollups/out/${name}.sol/${name}.json`,
  );
  const { abi, bytecode } = JSON.parse(readFileSync(path, "utf8"));
  return { abi, code: bytecode.object };
}
