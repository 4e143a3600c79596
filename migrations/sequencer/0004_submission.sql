-- What the submitter sends to L1: every transaction ever signed, and the highest wallet nonce ever used.

CREATE TABLE submissions (
  submission_id     INTEGER PRIMARY KEY AUTOINCREMENT,
  wallet_nonce      INTEGER NOT NULL CHECK (wallet_nonce BETWEEN 0 AND 9007199254740991),
  -- NULL for a no-op, with which a flush consumes the nonce (R2); so is its payload_hash.
  batch_index       INTEGER REFERENCES batches(batch_index),
  payload_hash      BLOB CHECK (payload_hash IS NULL OR length(payload_hash) = 32),
  tx_hash           BLOB NOT NULL UNIQUE CHECK (length(tx_hash) = 32),
  max_fee_wei       INTEGER NOT NULL CHECK (max_fee_wei BETWEEN 0 AND 9007199254740991),
  priority_fee_wei  INTEGER NOT NULL CHECK (priority_fee_wei BETWEEN 0 AND 9007199254740991),
  -- With the fees, all that is needed to sign the same transaction again.
  gas               INTEGER NOT NULL CHECK (gas BETWEEN 21000 AND 9007199254740991),
  created_at_ms     INTEGER NOT NULL,
  -- After this the slot may be replaced by a transaction with higher fees.
  deadline_ms       INTEGER NOT NULL,
  -- When a node took it. NULL also when the object died between send and answer.
  broadcast_at_ms   INTEGER,
  CHECK ((batch_index IS NULL) = (payload_hash IS NULL))
) STRICT;

CREATE INDEX submissions_slot ON submissions (wallet_nonce, submission_id);
CREATE INDEX submissions_batch ON submissions (batch_index, submission_id);

CREATE TRIGGER submissions_under_watermark
BEFORE INSERT ON submissions
WHEN NEW.wallet_nonce > COALESCE((SELECT watermark FROM wallet_nonce_watermark), -1)
BEGIN
  SELECT RAISE(ABORT, 'N14: the watermark covers a nonce before it is used');
END;

CREATE TRIGGER submissions_immutable
BEFORE UPDATE OF wallet_nonce, batch_index, payload_hash, tx_hash, max_fee_wei, priority_fee_wei,
  gas, created_at_ms, deadline_ms ON submissions
BEGIN
  SELECT RAISE(ABORT, 'L2: a signed transaction is immutable');
END;

CREATE TRIGGER submissions_broadcast_once
BEFORE UPDATE OF broadcast_at_ms ON submissions WHEN OLD.broadcast_at_ms IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'L2: broadcast_at_ms is write-once');
END;

CREATE TABLE wallet_nonce_watermark (
  singleton  INTEGER PRIMARY KEY CHECK (singleton = 0),
  watermark  INTEGER NOT NULL CHECK (watermark BETWEEN 0 AND 9007199254740991)
) STRICT;

CREATE TRIGGER wallet_nonce_watermark_rises
BEFORE UPDATE ON wallet_nonce_watermark WHEN NEW.watermark <= OLD.watermark
BEGIN
  SELECT RAISE(ABORT, 'N14: the watermark only rises');
END;

CREATE TRIGGER wallet_nonce_watermark_stays
BEFORE DELETE ON wallet_nonce_watermark
BEGIN
  SELECT RAISE(ABORT, 'N14: the watermark only rises');
END;
