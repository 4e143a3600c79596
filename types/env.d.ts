/**
 * Variables and secrets of a deployment. All optional and all text: `src/worker/config.ts` reads
 * them once and refuses what is missing or wrong. Not `readonly`, as `wrangler types` writes those that
 * wrangler.toml gives, or the two declarations would not merge.
 */

interface SequencerVariables {
  SEQ_ETH_RPC_URL?: string;
  SEQ_ALLOW_INSECURE_RPC?: string;
  SEQ_CHAIN_ID?: string;
  SEQ_APP_ADDRESS?: string;
  SEQ_BATCH_SUBMITTER_PRIVATE_KEY?: string;
  SEQ_OPERATOR_TOKEN?: string;
  SEQ_METRICS_TOKEN?: string;
  SEQ_ERC20_PORTAL_ADDRESS?: string;
  SEQ_ERC20_TOKEN_ADDRESS?: string;
  SEQ_FEE_RECIPIENT?: string;
  SEQ_PREEMPTIVE_MARGIN_BLOCKS?: string;
  SEQ_SECONDS_PER_BLOCK?: string;
  SEQ_L1_READ_STALE_AFTER_BLOCKS?: string;
  SEQ_BATCH_LINGER_SECONDS?: string;
  SEQ_MAX_BATCH_OPEN_SECONDS?: string;
  SEQ_SNAPSHOT_SECONDS?: string;
  SEQ_RETENTION_DAYS?: string;
  SEQ_RETENTION_BYTES?: string;
  SEQ_INTAKE_BYTES_MAX?: string;
  SEQ_ARCHIVE_CHUNKS?: string;
  SEQ_LONG_BLOCK_RANGE_ERROR_CODES?: string;
  SEQ_BATCH_SUBMITTER_IDLE_POLL_INTERVAL_MS?: string;
  SEQ_BATCH_SUBMITTER_CONFIRMATION_DEPTH?: string;
  SEQ_MAX_FEE_PER_GAS_GWEI?: string;
  SEQ_FLUSH_BUDGET_WEI?: string;
  SEQ_RELAYS?: string;
  SEQ_RELAY_SHARDS?: string;
  SEQ_CANDIDATES?: string;
  SEQ_VALIDATORS?: string;
  SEQ_COMMITTEE_URL?: string;
  SEQ_VALIDATOR_KEK?: string;
  SEQ_VALIDATOR_MODE?: string;
}

interface Env extends SequencerVariables {}

declare namespace Cloudflare {
  interface Env extends SequencerVariables {}
}
