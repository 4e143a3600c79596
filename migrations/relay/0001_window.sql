-- A relay's window: the newest records of one history as its upstream gave them (X3).
--
-- Everything here can be had again from upstream. What it must never do is mix two histories or two
-- orders of one, so a window is dropped whole and begun anew, and otherwise only grows at its head and is
-- cut at its floor. What a rollback voids stays until it is cut, and is left out when it is read (F3).

CREATE TABLE identity (
  singleton  INTEGER PRIMARY KEY CHECK (singleton = 0),
  -- The object's name, which an alarm does not tell.
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128)
) STRICT;

CREATE TRIGGER identity_immutable
BEFORE UPDATE ON identity
BEGIN
  SELECT RAISE(ABORT, 'X3: a relay keeps its place');
END;

CREATE TRIGGER identity_undeletable
BEFORE DELETE ON identity
BEGIN
  SELECT RAISE(ABORT, 'X3: a relay keeps its place');
END;

CREATE TABLE feed_window (
  singleton       INTEGER PRIMARY KEY CHECK (singleton = 0),
  era             TEXT NOT NULL CHECK (length(era) = 36),
  -- Valid records above it and up to the head are here.
  floor           INTEGER NOT NULL CHECK (floor >= 0 AND floor <= head),
  head            INTEGER NOT NULL CHECK (head <= 9007199254740991),
  -- Where history starts upstream, as it was last told.
  available_from  INTEGER NOT NULL CHECK (available_from BETWEEN 0 AND 9007199254740991),
  generation      INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 9007199254740991),
  -- Of `records`, kept by whoever writes them.
  record_count    INTEGER NOT NULL CHECK (record_count >= 0),
  record_bytes    INTEGER NOT NULL CHECK (record_bytes >= 0)
) STRICT;

CREATE TABLE records (
  offset          INTEGER PRIMARY KEY CHECK (offset BETWEEN 1 AND 9007199254740991),
  received_at_ms  INTEGER NOT NULL,
  -- The wire text, as readers are sent it.
  text            TEXT NOT NULL CHECK (length(text) > 0)
) STRICT;

-- Those of `records` that are rollbacks.
CREATE TABLE rollbacks (
  offset        INTEGER PRIMARY KEY REFERENCES records (offset),
  keep_through  INTEGER NOT NULL CHECK (keep_through >= 0 AND keep_through < offset)
) STRICT;

CREATE TRIGGER feed_window_one_history
BEFORE UPDATE OF era ON feed_window
WHEN NEW.era <> OLD.era
BEGIN
  SELECT RAISE(ABORT, 'X3: a window is of one history');
END;

CREATE TRIGGER feed_window_moves_on
BEFORE UPDATE ON feed_window
WHEN NEW.floor < OLD.floor OR NEW.head < OLD.head
BEGIN
  SELECT RAISE(ABORT, 'X3: a window never goes back');
END;

CREATE TRIGGER feed_window_dropped_whole
BEFORE DELETE ON feed_window
WHEN EXISTS (SELECT 1 FROM records)
BEGIN
  SELECT RAISE(ABORT, 'X3: a window is dropped whole');
END;

CREATE TRIGGER records_in_window
BEFORE INSERT ON records
WHEN NOT EXISTS (SELECT 1 FROM feed_window WHERE NEW.offset > head)
BEGIN
  SELECT RAISE(ABORT, 'X3: a record is beyond the head that it follows');
END;

CREATE TRIGGER records_immutable
BEFORE UPDATE ON records
BEGIN
  SELECT RAISE(ABORT, 'X3: a record stays as it came');
END;

CREATE TRIGGER rollbacks_immutable
BEFORE UPDATE ON rollbacks
BEGIN
  SELECT RAISE(ABORT, 'X3: a record stays as it came');
END;
