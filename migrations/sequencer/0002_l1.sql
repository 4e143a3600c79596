-- What L1 says: the deployment, the safe head, its inputs, and which of our batches it accepted.
--
-- The reader writes all of it; acceptance is decided in the same transaction as the inputs it reads.

CREATE TABLE deployment_identity (
  singleton           INTEGER PRIMARY KEY CHECK (singleton = 0),
  chain_id            INTEGER NOT NULL CHECK (chain_id BETWEEN 1 AND 9007199254740991),
  app                 BLOB NOT NULL CHECK (length(app) = 20),
  input_box           BLOB NOT NULL CHECK (length(input_box) = 20),
  input_box_block     INTEGER NOT NULL CHECK (input_box_block >= 0),
  submitter           BLOB NOT NULL CHECK (length(submitter) = 20),
  application         TEXT NOT NULL,
  -- The application's public configuration as JSON: part of its snapshot bytes.
  application_config  TEXT NOT NULL
) STRICT;

CREATE TRIGGER deployment_identity_immutable
BEFORE UPDATE ON deployment_identity
BEGIN
  SELECT RAISE(ABORT, 'S8: the deployment identity is pinned');
END;

CREATE TABLE l1_safe_head (
  singleton        INTEGER PRIMARY KEY CHECK (singleton = 0),
  block_number     INTEGER NOT NULL CHECK (block_number BETWEEN 0 AND 9007199254740991),
  block_hash       BLOB NOT NULL CHECK (length(block_hash) = 32),
  -- Unix seconds.
  block_timestamp  INTEGER NOT NULL,
  -- Our clock when the head last advanced; a poll that finds nothing new leaves it.
  synced_at_ms     INTEGER NOT NULL
) STRICT;

CREATE TRIGGER l1_safe_head_advances
BEFORE UPDATE ON l1_safe_head WHEN NEW.block_number <= OLD.block_number
BEGIN
  SELECT RAISE(ABORT, 'N12: the safe head only advances');
END;

CREATE TABLE safe_inputs (
  -- InputBox's own index for the application: dense from 0.
  safe_input_index  INTEGER PRIMARY KEY CHECK (safe_input_index >= 0),
  sender            BLOB NOT NULL CHECK (length(sender) = 20),
  -- NULL for an own landing with the sealed hash: its bytes are the batch's rows. NULL also up to the
  -- base of a rebuild, whose baseline holds their effect, and once retention deleted it.
  payload           BLOB,
  block_number      INTEGER NOT NULL CHECK (block_number BETWEEN 0 AND 9007199254740991),
  block_timestamp   INTEGER NOT NULL CHECK (block_timestamp BETWEEN 0 AND 9007199254740991),
  transaction_hash  BLOB NOT NULL CHECK (length(transaction_hash) = 32)
) STRICT;

CREATE INDEX safe_inputs_block ON safe_inputs (block_number);

CREATE TRIGGER safe_inputs_dense
BEFORE INSERT ON safe_inputs
WHEN NEW.safe_input_index IS NOT (SELECT COALESCE(MAX(safe_input_index) + 1, 0) FROM safe_inputs)
BEGIN
  SELECT RAISE(ABORT, 'L1: inputs are contiguous');
END;

CREATE TRIGGER safe_inputs_immutable
BEFORE UPDATE OF safe_input_index, sender, block_number, block_timestamp, transaction_hash
ON safe_inputs
BEGIN
  SELECT RAISE(ABORT, 'L1: a safe input is immutable');
END;

CREATE TRIGGER safe_inputs_undeletable
BEFORE DELETE ON safe_inputs
BEGIN
  SELECT RAISE(ABORT, 'L1: safe inputs are append-only');
END;

CREATE TABLE safe_accepted_batches (
  safe_input_index        INTEGER PRIMARY KEY REFERENCES safe_inputs(safe_input_index),
  nonce                   INTEGER NOT NULL UNIQUE CHECK (nonce BETWEEN 0 AND 9007199254740991),
  batch_index             INTEGER NOT NULL UNIQUE REFERENCES batches(batch_index),
  -- NULL for a batch without frames.
  first_frame_safe_block  INTEGER,
  inclusion_block         INTEGER NOT NULL
) STRICT;

CREATE INDEX safe_accepted_batches_block ON safe_accepted_batches (inclusion_block);

CREATE TRIGGER safe_accepted_batches_contiguous
BEFORE INSERT ON safe_accepted_batches
WHEN NEW.nonce IS NOT (SELECT COALESCE(
    (SELECT MAX(nonce) + 1 FROM safe_accepted_batches),
    (SELECT anchor_nonce FROM history WHERE singleton = 0)))
BEGIN
  SELECT RAISE(ABORT, 'S2: the scheduler accepts nonces in order');
END;

CREATE TRIGGER safe_accepted_batches_immutable
BEFORE UPDATE ON safe_accepted_batches
BEGIN
  SELECT RAISE(ABORT, 'R4: acceptance at safe depth is final');
END;

CREATE TRIGGER safe_accepted_batches_valid
BEFORE INSERT ON safe_accepted_batches
WHEN (SELECT invalidated_at_ms FROM batches WHERE batch_index = NEW.batch_index) IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'N9: a void batch is not accepted');
END;

CREATE TRIGGER accepted_batches_stay_valid
BEFORE UPDATE OF invalidated_at_ms ON batches
WHEN EXISTS (SELECT 1 FROM safe_accepted_batches WHERE batch_index = NEW.batch_index)
BEGIN
  SELECT RAISE(ABORT, 'N9: an accepted batch is not voided');
END;

-- R4: a landing that the scheduler accepts and that is not our sealed batch.
CREATE TABLE canonical_divergence (
  singleton         INTEGER PRIMARY KEY CHECK (singleton = 0),
  nonce             INTEGER NOT NULL,
  safe_input_index  INTEGER NOT NULL REFERENCES safe_inputs(safe_input_index),
  kind              TEXT NOT NULL CHECK (kind IN ('foreign', 'mismatch')),
  detected_at_ms    INTEGER NOT NULL
) STRICT;

CREATE TRIGGER canonical_divergence_absorbs
BEFORE UPDATE ON canonical_divergence
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence is absorbing');
END;

CREATE TRIGGER canonical_divergence_stays
BEFORE DELETE ON canonical_divergence
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence is absorbing');
END;

CREATE TRIGGER diverged_freezes_acceptance
BEFORE INSERT ON safe_accepted_batches WHEN EXISTS (SELECT 1 FROM canonical_divergence)
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence freezes the frontier');
END;

CREATE TRIGGER diverged_freezes_new_batches
BEFORE INSERT ON batches WHEN EXISTS (SELECT 1 FROM canonical_divergence)
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence freezes the batches');
END;

CREATE TRIGGER diverged_freezes_batches
BEFORE UPDATE ON batches WHEN EXISTS (SELECT 1 FROM canonical_divergence)
BEGIN
  SELECT RAISE(ABORT, 'N15: divergence freezes the batches');
END;
