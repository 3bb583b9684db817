PRAGMA journal_mode = WAL;
CREATE TABLE apps (
    app TEXT PRIMARY KEY,
    next_rollout INTEGER NOT NULL
) STRICT;
CREATE TABLE releases (
    app TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    sealed TEXT,
    sealed_sha256 TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    message TEXT,
    commit_id TEXT,
    PRIMARY KEY (app, number)
) STRICT;
CREATE TABLE rollouts (
    app TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    release INTEGER,
    by TEXT NOT NULL,
    opened_at_ms INTEGER NOT NULL,
    PRIMARY KEY (app, number),
    FOREIGN KEY (app, release) REFERENCES releases (app, number)
) STRICT;
CREATE TABLE records (
    app TEXT NOT NULL,
    rollout INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    record TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (app, rollout, seq),
    FOREIGN KEY (app, rollout) REFERENCES rollouts (app, number)
) STRICT;
CREATE TRIGGER records_stay_as_written BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER records_stay BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'records are never removed'); END;
PRAGMA application_id = 1819173990;
PRAGMA user_version = 1;
