-- What a validator never forgets: records, its promise, its last ack, its lock, chunks, evidence (C4).
--
-- An ack rests on these rows: they are durable before it leaves. Triggers refuse what would let a
-- validator sign two histories, whatever the code does.

CREATE TABLE epoch_records (
  epoch          INTEGER PRIMARY KEY CHECK (epoch BETWEEN 0 AND 9007199254740991),
  hash           BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  previous_hash  BLOB NOT NULL CHECK (length(previous_hash) = 32),
  -- Canonical bytes of the signed record.
  signed_record  BLOB NOT NULL CHECK (length(signed_record) <= 131072)
) STRICT;

CREATE TRIGGER epoch_records_linked
BEFORE INSERT ON epoch_records
BEGIN
  SELECT RAISE(ABORT, 'C9: the first record is of epoch 0')
  WHERE NOT EXISTS (SELECT 1 FROM epoch_records) AND NEW.epoch <> 0;
  SELECT RAISE(ABORT, 'C6: epochs ascend')
  WHERE NEW.epoch <= (SELECT MAX(epoch) FROM epoch_records);
  SELECT RAISE(ABORT, 'C6: a record names the one before')
  WHERE EXISTS (SELECT 1 FROM epoch_records)
    AND NEW.previous_hash IS NOT (SELECT hash FROM epoch_records ORDER BY epoch DESC LIMIT 1);
END;

CREATE TRIGGER epoch_records_immutable
BEFORE UPDATE ON epoch_records
BEGIN
  SELECT RAISE(ABORT, 'C6: an epoch record is immutable');
END;

CREATE TRIGGER epoch_records_undeletable
BEFORE DELETE ON epoch_records
BEGIN
  SELECT RAISE(ABORT, 'C6: epoch records are append-only');
END;

-- The founding record that a key signed, which is the only one that it ever does (C9).
CREATE TABLE founding (
  generation   INTEGER PRIMARY KEY REFERENCES member_keys(generation),
  record_hash  BLOB NOT NULL CHECK (length(record_hash) = 32),
  signature    BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

CREATE TRIGGER founding_immutable
BEFORE UPDATE ON founding
BEGIN
  SELECT RAISE(ABORT, 'C9: a key signs one founding record');
END;

CREATE TRIGGER founding_undeletable
BEFORE DELETE ON founding
BEGIN
  SELECT RAISE(ABORT, 'C9: a key signs one founding record');
END;

CREATE TABLE validator_state (
  singleton           INTEGER PRIMARY KEY CHECK (singleton = 0),
  -- Who may be acked: nobody of an older epoch. The candidate is NULL where a record alone says so.
  promised_epoch      INTEGER NOT NULL CHECK (promised_epoch BETWEEN 0 AND 9007199254740991),
  promised_candidate  INTEGER CHECK (promised_candidate IS NULL OR promised_candidate BETWEEN 0 AND 15),
  -- Canonical bytes of the takeovers that were signed and not seen certified.
  accepted            BLOB NOT NULL,
  -- The last ack, with the header that it was for.
  tip_epoch           INTEGER CHECK (tip_epoch IS NULL OR tip_epoch >= 0),
  tip_height          INTEGER CHECK (tip_height IS NULL OR tip_height >= 0),
  tip_header          BLOB,
  -- The highest certificate seen, also of a chunk that is not at hand.
  lock_height         INTEGER CHECK (lock_height IS NULL OR lock_height >= 0),
  lock                BLOB,
  -- The newest certified chunk up to which everything is stored.
  base_height         INTEGER NOT NULL CHECK (base_height >= -1),
  base_hash           BLOB NOT NULL CHECK (length(base_hash) = 32),
  base_epoch          INTEGER NOT NULL CHECK (base_epoch >= 0),
  base_next_offset    INTEGER NOT NULL CHECK (base_next_offset BETWEEN 1 AND 9007199254740991),
  -- Signed headers that were let go of without a certificate: with another one they prove a fork.
  given_up            BLOB NOT NULL DEFAULT x'00',
  CHECK ((tip_epoch IS NULL) = (tip_height IS NULL)),
  CHECK ((tip_epoch IS NULL) = (tip_header IS NULL)),
  CHECK ((lock_height IS NULL) = (lock IS NULL))
) STRICT;

CREATE TRIGGER validator_state_stays
BEFORE DELETE ON validator_state
BEGIN
  SELECT RAISE(ABORT, 'C4: what was promised is not forgotten');
END;

CREATE TRIGGER validator_state_promise_rises
BEFORE UPDATE ON validator_state
WHEN NEW.promised_epoch < OLD.promised_epoch
  OR (NEW.promised_epoch = OLD.promised_epoch
      AND NEW.promised_candidate IS NOT OLD.promised_candidate)
BEGIN
  SELECT RAISE(ABORT, 'C6: a promise is not taken back');
END;

CREATE TRIGGER validator_state_acks_rise
BEFORE UPDATE ON validator_state WHEN NEW.tip_header IS NOT OLD.tip_header
BEGIN
  SELECT RAISE(ABORT, 'C4: an ack is not forgotten') WHERE NEW.tip_header IS NULL;
  SELECT RAISE(ABORT, 'C4: acks ascend')
  WHERE OLD.tip_header IS NOT NULL
    AND (NEW.tip_epoch < OLD.tip_epoch
         OR (NEW.tip_epoch = OLD.tip_epoch AND NEW.tip_height <= OLD.tip_height));
  SELECT RAISE(ABORT, 'C6: nothing is acked but in the promised epoch')
  WHERE NEW.tip_epoch <> NEW.promised_epoch;
END;

CREATE TRIGGER validator_state_certified_rises
BEFORE UPDATE ON validator_state
WHEN NEW.base_height < OLD.base_height
  OR (NEW.base_height = OLD.base_height AND NEW.base_hash IS NOT OLD.base_hash)
  OR COALESCE(NEW.lock_height, -1) < COALESCE(OLD.lock_height, -1)
BEGIN
  SELECT RAISE(ABORT, 'C6: what is certified stays certified');
END;

CREATE TABLE chunks (
  -- In the order in which they were stored: a chunk comes after its parent.
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  hash           BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  height         INTEGER NOT NULL CHECK (height BETWEEN 0 AND 9007199254740991),
  -- Header, scheme and signature, canonical bytes.
  signed_header  BLOB NOT NULL CHECK (length(signed_header) = 210),
  -- 1: beyond the base, or of the newest below it. 0: of the archive of certified ones.
  is_recent      INTEGER NOT NULL CHECK (is_recent IN (0, 1)),
  is_certified   INTEGER NOT NULL DEFAULT 0 CHECK (is_certified IN (0, 1)),
  -- The last seal with a snapshot in it: the state's hash, the feed's head there, its executed inputs.
  seal_hash      BLOB CHECK (seal_hash IS NULL OR length(seal_hash) = 32),
  seal_offset    INTEGER CHECK (seal_offset IS NULL OR seal_offset >= 0),
  -- A rollback in it: what is beyond this offset, up to the chunk, is void.
  keep_through   INTEGER CHECK (keep_through IS NULL OR keep_through >= 0),
  -- The events. NULL: a certified chunk from which this validator began.
  payload        BLOB CHECK (payload IS NULL OR length(payload) BETWEEN 1 AND 1048576),
  CHECK ((seal_hash IS NULL) = (seal_offset IS NULL)),
  CHECK (is_recent = 1 OR is_certified = 1),
  CHECK (payload IS NOT NULL OR is_certified = 1)
) STRICT;

CREATE UNIQUE INDEX chunks_one_certified ON chunks (height) WHERE is_certified = 1;
CREATE INDEX chunks_recent ON chunks (seq) WHERE is_recent = 1;
CREATE INDEX chunks_sealed ON chunks (height) WHERE seal_hash IS NOT NULL;
CREATE INDEX chunks_rolled_back ON chunks (height) WHERE keep_through IS NOT NULL;

CREATE TRIGGER chunks_immutable
BEFORE UPDATE OF seq, hash, height, signed_header, seal_hash, seal_offset, keep_through, payload
ON chunks
BEGIN
  SELECT RAISE(ABORT, 'C4: a stored chunk is immutable');
END;

CREATE TRIGGER chunks_marks
BEFORE UPDATE OF is_recent, is_certified ON chunks
WHEN NEW.is_certified < OLD.is_certified OR NEW.is_recent > OLD.is_recent
BEGIN
  SELECT RAISE(ABORT, 'C6: what is certified stays certified');
END;

CREATE TRIGGER chunks_acked_stay
BEFORE DELETE ON chunks
WHEN OLD.is_certified = 1
  AND OLD.height >= (SELECT base_height FROM validator_state WHERE singleton = 0)
BEGIN
  SELECT RAISE(ABORT, 'C4: the newest certified chunk is kept');
END;

-- The newest, and of older ones at least one in any 4 096 heights.
CREATE TABLE certificates (
  height       INTEGER PRIMARY KEY CHECK (height >= 0),
  chunk_hash   BLOB NOT NULL CHECK (length(chunk_hash) = 32),
  certificate  BLOB NOT NULL CHECK (length(certificate) BETWEEN 84 AND 8192)
) STRICT;

CREATE TRIGGER certificates_immutable
BEFORE UPDATE ON certificates
BEGIN
  SELECT RAISE(ABORT, 'C2: a certificate is immutable');
END;

CREATE TABLE evidence (
  position  INTEGER PRIMARY KEY AUTOINCREMENT CHECK (position <= 64),
  -- Canonical bytes: readable by anybody.
  evidence  BLOB NOT NULL UNIQUE
) STRICT;

CREATE TRIGGER evidence_immutable
BEFORE UPDATE ON evidence
BEGIN
  SELECT RAISE(ABORT, 'C3: evidence is kept');
END;

CREATE TRIGGER evidence_undeletable
BEFORE DELETE ON evidence
BEGIN
  SELECT RAISE(ABORT, 'C3: evidence is kept');
END;
