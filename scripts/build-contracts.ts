/**
 * Compiles our own Solidity with the pinned npm `solc` into `build/contracts` (L3).
 *
 * The settings leave no trace of the compiler's metadata in the bytecode, so that equal sources give
 * equal bytes and a contract keeps the address that follows from them. An artifact carries the hash of
 * all that made it, and is compiled again only when that changes.
 */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

/** `inputs` is the SHA-256 of compiler version, settings and source. */
export type ContractArtifact = {
  readonly contract: string;
  readonly inputs: string;
  readonly abi: readonly unknown[];
  /** Creation code, 0x and hex digits. */
  readonly bytecode: `0x${string}`;
};

const ROOT = resolve(import.meta.dirname, "..");
const CONTRACTS: readonly { readonly file: string; readonly contract: string }[] = [
  { file: "test-token.sol", contract: "TestToken" },
  { file: "certificate-checker.sol", contract: "CertificateChecker" },
];
const SETTINGS = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  metadata: { appendCBOR: false, bytecodeHash: "none" },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};

/** Throws, with the compiler's messages, when a contract does not compile. */
export function buildContracts(outDir = "build/contracts"): void {
  const folder = resolve(ROOT, outDir);
  mkdirSync(folder, { recursive: true });
  const { version } = require_("solc/package.json");
  for (const { file, contract } of CONTRACTS) {
    const source = readFileSync(join(ROOT, "contracts", file), "utf8");
    const inputs = createHash("sha256")
      .update(JSON.stringify([version, SETTINGS, contract, source]))
      .digest("hex");
    const target = join(folder, file.replace(/\.sol$/, ".json"));
    if (existsSync(target) && JSON.parse(readFileSync(target, "utf8")).inputs === inputs) continue;
    const temporary = `${target}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify(compile(file, contract, source, inputs)));
    renameSync(temporary, target);
  }
}

const require_ = createRequire(import.meta.url);

function compile(file: string, contract: string, source: string, inputs: string): ContractArtifact {
  // Loaded only when needed: the compiler is 8 MB of WebAssembly.
  const solc: { compile(input: string): string } = require_("solc");
  const input = {
    language: "Solidity",
    sources: { [file]: { content: source } },
    settings: SETTINGS,
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const problems: readonly { formattedMessage: string }[] = output.errors ?? [];
  if (problems.length > 0) {
    throw new Error(problems.map(({ formattedMessage }) => formattedMessage).join("\n"));
  }
  const { abi, evm } = output.contracts[file][contract];
  return { contract, inputs, abi, bytecode: `0x${evm.bytecode.object}` };
}
