/** What a test inside workerd says to `chain-server.ts`, and is told. Types only. */

import type { RollupsDeployment } from "../../src/local/deploy.ts";
import type { Fault } from "./faulty-rpc.ts";

export type ChainInfo = {
  readonly id: number;
  /** Anvil itself, for what the test does to the chain. */
  readonly url: string;
  /** The same behind the proxy, for the code under test. */
  readonly proxyUrl: string;
  readonly rollups: RollupsDeployment;
};

/** Every fault that is plain data; `patch` replaces fields of the node's own result. */
export type PlainFault =
  | Exclude<Fault, { kind: "edit" }>
  | { readonly kind: "patch"; readonly patch: Readonly<Record<string, unknown>> };

export type FaultRule = {
  readonly method: string;
  /** Only calls whose first parameter is this text. */
  readonly param?: string;
  /** How many calls; all without it. */
  readonly times?: number;
  readonly fault: PlainFault;
};

declare module "vitest" {
  interface ProvidedContext {
    chainServerUrl: string;
  }
}
