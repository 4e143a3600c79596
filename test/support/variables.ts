/**
 * The variables of a deployment for tests: the chain and application of the EIP-712 vectors, so that
 * their signatures are valid ops, and an L1 that refuses connections, so that it never serves.
 */

export const OPERATOR_TOKEN: string = "an operator's token";
/** The well-known first development account. */
export const SUBMITTER_KEY: string =
  "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

export const TEST_VARIABLES: Readonly<Record<string, string>> = {
  SEQ_ETH_RPC_URL: "http://127.0.0.1:9/path-with-a-key",
  SEQ_CHAIN_ID: "31337",
  SEQ_APP_ADDRESS: "0x1111111111111111111111111111111111111111",
  SEQ_BATCH_SUBMITTER_PRIVATE_KEY: SUBMITTER_KEY,
  SEQ_OPERATOR_TOKEN: OPERATOR_TOKEN,
};
