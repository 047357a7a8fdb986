// The schema in SQL. docs/ledger.md explains it to those who query a ledger by hand.
#include "tank/ledger_schema.hpp"

namespace thresher::tank {

// NOTE: the triggers before INSERT are what stops INSERT OR REPLACE, which deletes rows without asking the triggers
// before DELETE.
const char* ledger_schema() noexcept {
  return R"SQL(
CREATE TABLE content (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  at TEXT NOT NULL,
  kind TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind <> ''),
  subject TEXT NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  UNIQUE (kind, subject)
) STRICT;

CREATE TABLE sample (
  id INTEGER PRIMARY KEY,
  race TEXT NOT NULL CHECK (race <> ''),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  block INTEGER NOT NULL CHECK (block >= 0),
  case_name TEXT NOT NULL,
  position INTEGER NOT NULL CHECK (position BETWEEN 0 AND 3),
  side TEXT NOT NULL CHECK (side IN ('incumbent', 'candidate')),
  content INTEGER NOT NULL,
  seconds REAL NOT NULL CHECK (seconds >= 0 AND seconds < 1e9),
  clock_mhz REAL,
  UNIQUE (race, block, attempt, case_name, position)
) STRICT;

CREATE TRIGGER content_update BEFORE UPDATE ON content BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END;
CREATE TRIGGER content_delete BEFORE DELETE ON content BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END;
CREATE TRIGGER content_insert BEFORE INSERT ON content
WHEN EXISTS (SELECT 1 FROM content WHERE hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'this content is there already'); END;

CREATE TRIGGER event_update BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END;
CREATE TRIGGER event_delete BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END;
CREATE TRIGGER event_insert BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id OR (kind = NEW.kind AND subject = NEW.subject))
BEGIN SELECT RAISE(ABORT, 'this event is there already'); END;

CREATE TRIGGER sample_update BEFORE UPDATE ON sample BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END;
CREATE TRIGGER sample_delete BEFORE DELETE ON sample BEGIN SELECT RAISE(ABORT, 'a ledger is only appended to'); END;
CREATE TRIGGER sample_insert BEFORE INSERT ON sample
WHEN EXISTS (SELECT 1 FROM sample WHERE id = NEW.id OR (race = NEW.race AND block = NEW.block AND
             attempt = NEW.attempt AND case_name = NEW.case_name AND position = NEW.position))
BEGIN SELECT RAISE(ABORT, 'this sample is there already'); END;
)SQL";
}

}  // namespace thresher::tank
