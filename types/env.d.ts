/**
 * Variables and secrets of a deployment. All optional and all text: `src/worker/config.ts` reads
 * them once and refuses what is missing or wrong.
 */

interface SequencerVariables {
  readonly SEQ_ETH_RPC_URL?: string;
  readonly SEQ_ALLOW_INSECURE_RPC?: string;
  readonly SEQ_CHAIN_ID?: string;
  readonly SEQ_APP_ADDRESS?: string;
  readonly SEQ_BATCH_SUBMITTER_PRIVATE_KEY?: string;
  readonly SEQ_OPERATOR_TOKEN?: string;
  readonly SEQ_ERC20_PORTAL_ADDRESS?: string;
  readonly SEQ_ERC20_TOKEN_ADDRESS?: string;
  readonly SEQ_FEE_RECIPIENT?: string;
  readonly SEQ_PREEMPTIVE_MARGIN_BLOCKS?: string;
  readonly SEQ_SECONDS_PER_BLOCK?: string;
  readonly SEQ_L1_READ_STALE_AFTER_BLOCKS?: string;
  readonly SEQ_BATCH_LINGER_SECONDS?: string;
  readonly SEQ_MAX_BATCH_OPEN_SECONDS?: string;
  readonly SEQ_SNAPSHOT_SECONDS?: string;
  readonly SEQ_RETENTION_DAYS?: string;
  readonly SEQ_RETENTION_BYTES?: string;
  readonly SEQ_INTAKE_BYTES_MAX?: string;
  readonly SEQ_LONG_BLOCK_RANGE_ERROR_CODES?: string;
  readonly SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS?: string;
  readonly SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH?: string;
  readonly SEQ_MAX_FEE_PER_GAS_GWEI?: string;
  readonly SEQ_FLUSH_BUDGET_WEI?: string;
  readonly SEQ_CANDIDATES?: string;
  readonly SEQ_VALIDATORS?: string;
  readonly SEQ_COMMITTEE_URL?: string;
  readonly SEQ_VALIDATOR_KEK?: string;
  readonly SEQ_VALIDATOR_MODE?: string;
}

interface Env extends SequencerVariables {}

declare namespace Cloudflare {
  interface Env extends SequencerVariables {}
}
