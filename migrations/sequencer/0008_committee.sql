-- The committee's share of the log: signatures, certificates, epoch records. Empty without a committee.

-- One row for each chunk that is written under a committee, in the chunk's own transaction.
CREATE TABLE committee_chunks (
  height             INTEGER PRIMARY KEY REFERENCES chunks(height) ON DELETE CASCADE,
  -- Events of all chunks up to this one (C6).
  events_through     INTEGER NOT NULL CHECK (events_through BETWEEN 1 AND 9007199254740991),
  -- The greatest batch_index that a seal up to here names, and the greatest wallet nonce that a watermark
  -- up to here covers (C7); NULL before the first.
  sealed_through     INTEGER CHECK (sealed_through IS NULL OR sealed_through >= 0),
  watermark_through  INTEGER CHECK (watermark_through IS NULL OR watermark_through >= 0),
  -- The leader's, over the header's preimage. NULL until it is stored, which is after the chunk.
  scheme             TEXT CHECK (scheme IS NULL OR scheme IN ('p256', 'ed25519')),
  signature          BLOB CHECK (signature IS NULL OR length(signature) = 64),
  CHECK ((scheme IS NULL) = (signature IS NULL))
) STRICT;

CREATE TRIGGER committee_chunks_cumulative
BEFORE INSERT ON committee_chunks
BEGIN
  SELECT RAISE(ABORT, 'C7: what is sealed and covered up to a chunk only rises')
  WHERE EXISTS (SELECT 1 FROM committee_chunks
                WHERE height = NEW.height - 1
                  AND (events_through >= NEW.events_through
                       OR COALESCE(sealed_through, -1) > COALESCE(NEW.sealed_through, -1)
                       OR COALESCE(watermark_through, -1) > COALESCE(NEW.watermark_through, -1)));
END;

CREATE TRIGGER committee_chunks_facts_immutable
BEFORE UPDATE OF height, events_through, sealed_through, watermark_through ON committee_chunks
BEGIN
  SELECT RAISE(ABORT, 'C7: what a chunk adds is immutable');
END;

CREATE TRIGGER committee_chunks_signed_once
BEFORE UPDATE OF scheme, signature ON committee_chunks WHEN OLD.signature IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'C3: a signature is stored once');
END;

-- Those of the rows that wait for their signature, few at any time.
CREATE INDEX committee_chunks_unsigned ON committee_chunks (height) WHERE signature IS NULL;

-- A certificate covers every chunk since the one before it (C2). It goes with its chunk (F8).
CREATE TABLE certificates (
  height       INTEGER PRIMARY KEY REFERENCES chunks(height) ON DELETE CASCADE,
  chunk_hash   BLOB NOT NULL CHECK (length(chunk_hash) = 32),
  epoch        INTEGER NOT NULL CHECK (epoch >= 0),
  -- Canonical bytes.
  certificate  BLOB NOT NULL CHECK (length(certificate) BETWEEN 84 AND 8192),
  stored_at_ms INTEGER NOT NULL
) STRICT;

CREATE TRIGGER certificates_of_the_log
BEFORE INSERT ON certificates
BEGIN
  SELECT RAISE(ABORT, 'C2: a certificate names a stored chunk')
  WHERE NEW.chunk_hash IS NOT (SELECT hash FROM chunks WHERE height = NEW.height);
  SELECT RAISE(ABORT, 'C2: certified heights ascend')
  WHERE NEW.height <= (SELECT MAX(height) FROM certificates);
END;

CREATE TRIGGER certificates_immutable
BEFORE UPDATE ON certificates
BEGIN
  SELECT RAISE(ABORT, 'C2: a certificate is immutable');
END;

-- What is certified begins somewhere: the newest certified chunk stays, and with it its certificate.
CREATE TRIGGER chunks_deleted_below_the_certified
BEFORE DELETE ON chunks
WHEN EXISTS (SELECT 1 FROM committee_chunks WHERE height = OLD.height)
  AND OLD.height >= COALESCE((SELECT MAX(height) FROM certificates), 0)
BEGIN
  SELECT RAISE(ABORT, 'F8: what is not certified is not deleted');
END;

-- Validators are not sent chunks up to the newest of these heights: they start from its certificate (C2).
CREATE TABLE checkpoints (
  height  INTEGER PRIMARY KEY REFERENCES certificates(height) ON DELETE CASCADE
) STRICT;

CREATE TRIGGER checkpoints_ascend
BEFORE INSERT ON checkpoints
WHEN NEW.height <= (SELECT MAX(height) FROM checkpoints)
BEGIN
  SELECT RAISE(ABORT, 'C2: checkpoints ascend');
END;

-- The chain of epochs, each record signed and naming the one before (C6, C9).
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

CREATE TABLE committee_marks (
  singleton       INTEGER PRIMARY KEY CHECK (singleton = 0),
  -- The newest epoch for which this candidate made a record: an epoch has one (C6).
  takeover_epoch  INTEGER CHECK (takeover_epoch IS NULL OR takeover_epoch >= 0),
  -- What its operator told it last: a pause and a stop outlive a restart.
  conduct         TEXT NOT NULL DEFAULT 'active' CHECK (conduct IN ('active', 'paused', 'stopped'))
) STRICT;

INSERT INTO committee_marks (singleton) VALUES (0);

CREATE TRIGGER committee_marks_rise
BEFORE UPDATE ON committee_marks
WHEN COALESCE(NEW.takeover_epoch, -1) < COALESCE(OLD.takeover_epoch, -1)
BEGIN
  SELECT RAISE(ABORT, 'C6: a takeover is not forgotten');
END;

CREATE TRIGGER committee_marks_stay
BEFORE DELETE ON committee_marks
BEGIN
  SELECT RAISE(ABORT, 'C6: a takeover is not forgotten');
END;

-- What the committee decides beside its log (C5): a number is here before it is sent to anybody.
CREATE TABLE proposals (
  term          INTEGER NOT NULL CHECK (term >= 0),
  sequence      INTEGER NOT NULL CHECK (sequence >= 1),
  origin        INTEGER NOT NULL CHECK (origin >= 0),
  -- Of the log of commits, from 1 without gaps; NULL, with the rest, until it is committed.
  commit_index  INTEGER UNIQUE CHECK (commit_index IS NULL OR commit_index >= 1),
  record_hash   BLOB CHECK (record_hash IS NULL OR length(record_hash) = 32),
  digest        BLOB CHECK (digest IS NULL OR length(digest) = 32),
  committed_ms  REAL,
  PRIMARY KEY (term, sequence),
  CHECK ((commit_index IS NULL) = (record_hash IS NULL)),
  CHECK ((commit_index IS NULL) = (digest IS NULL)),
  CHECK ((commit_index IS NULL) = (committed_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER proposals_committed_once
BEFORE UPDATE ON proposals
WHEN OLD.commit_index IS NOT NULL
  OR NEW.commit_index IS NOT (SELECT COALESCE(MAX(commit_index), 0) + 1 FROM proposals)
BEGIN
  SELECT RAISE(ABORT, 'C5: commits follow each other');
END;

CREATE TABLE proposal_votes (
  term       INTEGER NOT NULL,
  sequence   INTEGER NOT NULL,
  member     INTEGER NOT NULL CHECK (member BETWEEN 0 AND 63),
  signature  BLOB NOT NULL,
  PRIMARY KEY (term, sequence, member),
  FOREIGN KEY (term, sequence) REFERENCES proposals(term, sequence)
) STRICT, WITHOUT ROWID;

-- The candidate's keys, each sealed under SEQ_VALIDATOR_KEK; the newest is its own (C9).
CREATE TABLE member_keys (
  generation     INTEGER PRIMARY KEY CHECK (generation >= 0),
  public_key     BLOB NOT NULL UNIQUE CHECK (length(public_key) = 33),
  nonce          BLOB NOT NULL UNIQUE CHECK (length(nonce) = 12),
  sealed         BLOB NOT NULL CHECK (length(sealed) BETWEEN 32 AND 4096),
  created_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER member_keys_immutable
BEFORE UPDATE ON member_keys
BEGIN
  SELECT RAISE(ABORT, 'C9: a key is made once');
END;

CREATE TRIGGER member_keys_undeletable
BEFORE DELETE ON member_keys
BEGIN
  SELECT RAISE(ABORT, 'C9: a key is made once');
END;

-- Proofs that somebody broke its word, as they were shown to this candidate (C4).
CREATE TABLE evidence (
  -- SHA-256 of the canonical bytes.
  hash            BLOB PRIMARY KEY CHECK (length(hash) = 32),
  evidence        BLOB NOT NULL CHECK (length(evidence) <= 4096),
  received_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TRIGGER evidence_undeletable
BEFORE DELETE ON evidence
BEGIN
  SELECT RAISE(ABORT, 'C4: evidence is kept');
END;
