-- Votes of elections and of proposals, and the signatures that are sent again as they were made.

CREATE TABLE election (
  singleton    INTEGER PRIMARY KEY CHECK (singleton = 0),
  term         INTEGER NOT NULL CHECK (term BETWEEN 0 AND 9007199254740991),
  -- Canonical bytes of the statement that was voted for in this term; NULL: none was.
  vote         BLOB
) STRICT;

CREATE TRIGGER election_term_rises
BEFORE UPDATE ON election WHEN NEW.term < OLD.term
BEGIN
  SELECT RAISE(ABORT, 'C8: terms ascend');
END;

CREATE TRIGGER election_one_vote
BEFORE UPDATE ON election
WHEN NEW.term = OLD.term AND OLD.vote IS NOT NULL AND NEW.vote IS NOT OLD.vote
BEGIN
  SELECT RAISE(ABORT, 'C8: one vote in a term');
END;

CREATE TRIGGER election_stays
BEFORE DELETE ON election
BEGIN
  SELECT RAISE(ABORT, 'C8: a vote is not forgotten');
END;

-- A vote for a proposal binds.
CREATE TABLE voted_proposals (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  term      INTEGER NOT NULL CHECK (term >= 0),
  sequence  INTEGER NOT NULL CHECK (sequence >= 0),
  digest    BLOB NOT NULL CHECK (length(digest) = 32),
  UNIQUE (term, sequence)
) STRICT;

CREATE TRIGGER voted_proposals_immutable
BEFORE UPDATE ON voted_proposals
BEGIN
  SELECT RAISE(ABORT, 'C8: a vote binds');
END;

-- The newest of each kind, by the key of one generation.
CREATE TABLE signatures (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT NOT NULL UNIQUE,
  generation  INTEGER NOT NULL REFERENCES member_keys(generation),
  message     BLOB NOT NULL,
  signature   BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

CREATE TRIGGER signatures_immutable
BEFORE UPDATE ON signatures
BEGIN
  SELECT RAISE(ABORT, 'C3: a signature is sent again as it was made');
END;
