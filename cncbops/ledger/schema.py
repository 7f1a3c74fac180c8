"""The ledger's tables, as a list of steps that lead from an empty database to today's.

A step is never changed once released; a new shape is a new step, which nearly always only adds, so that what reads
an older ledger finds in it what there was then. One that takes away ends an older version that is at work: what that
wrote down would not be found. The number of steps taken is the database's `user_version`, written in the same
transaction as the step.

Times are milliseconds since the Unix epoch. No event's payload is in any column.
"""

import sqlite3
from collections.abc import Sequence

APPLICATION_ID = 0x636E6362
"""`cncb` in ASCII: marks the file as ours (SQLite's `application_id`)."""

Step = Sequence[str]

STEPS: Sequence[Step] = (
    (
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            command TEXT NOT NULL,
            status TEXT NOT NULL,
            reason TEXT,
            function TEXT NOT NULL,
            sources TEXT NOT NULL,
            account TEXT,
            arguments TEXT NOT NULL,
            terms TEXT NOT NULL,
            target TEXT NOT NULL,
            access TEXT NOT NULL,
            plan_sha256 TEXT,
            likeness TEXT NOT NULL,
            started_ms INTEGER NOT NULL,
            ended_ms INTEGER,
            listed INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX runs_by_likeness ON runs (likeness)",
        """CREATE TABLE sessions (
            run INTEGER NOT NULL REFERENCES runs,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            who TEXT,
            host TEXT NOT NULL,
            process INTEGER NOT NULL,
            version TEXT NOT NULL,
            started_ms INTEGER NOT NULL,
            seen_ms INTEGER NOT NULL,
            ended_ms INTEGER,
            status TEXT NOT NULL,
            reason TEXT,
            summary TEXT,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID""",
        """CREATE TABLE orders (
            run INTEGER NOT NULL REFERENCES runs,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            value REAL,
            who TEXT NOT NULL,
            given_ms INTEGER NOT NULL,
            taken_ms INTEGER,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID""",
        """CREATE TABLE objects (
            run INTEGER NOT NULL REFERENCES runs,
            number INTEGER NOT NULL,
            source INTEGER NOT NULL,
            bucket TEXT NOT NULL,
            key BLOB NOT NULL,
            etag TEXT NOT NULL,
            size INTEGER NOT NULL,
            modified_ms INTEGER NOT NULL,
            storage_class TEXT NOT NULL,
            read INTEGER NOT NULL,
            matched INTEGER NOT NULL,
            malformed INTEGER NOT NULL,
            delivered INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            unknown INTEGER NOT NULL,
            ended INTEGER NOT NULL,
            error TEXT,
            pulled TEXT NOT NULL,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID""",
        """CREATE TABLE lanes (
            run INTEGER NOT NULL REFERENCES runs,
            session INTEGER NOT NULL,
            lane INTEGER NOT NULL,
            upto INTEGER NOT NULL,
            holes BLOB NOT NULL,
            PRIMARY KEY (run, session, lane)
        ) WITHOUT ROWID""",
        """CREATE TABLE settled (
            run INTEGER NOT NULL REFERENCES runs,
            session INTEGER NOT NULL,
            batch INTEGER NOT NULL,
            places BLOB NOT NULL,
            PRIMARY KEY (run, session, batch)
        ) WITHOUT ROWID""",
        """CREATE TABLE failures (
            run INTEGER NOT NULL REFERENCES runs,
            object INTEGER NOT NULL,
            line INTEGER NOT NULL,
            part INTEGER NOT NULL,
            event_id TEXT,
            sequence_number TEXT,
            fate TEXT NOT NULL,
            error TEXT NOT NULL,
            message TEXT NOT NULL,
            session INTEGER NOT NULL,
            mended_in INTEGER,
            PRIMARY KEY (run, object, line, part)
        ) WITHOUT ROWID""",
    ),
    (
        # Faults whose unit of work was delivered, for ever: by which run, and of which group they were.
        """CREATE TABLE resubmitted (
            fault BLOB PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES runs,
            fingerprint TEXT NOT NULL,
            pipeline TEXT
        ) WITHOUT ROWID""",
        # What was delivered lately, in that order, and not yet sorted in: a digest is anywhere
        # among millions, so each takes a page of its own to be written. `records` are their digests, end to end.
        """CREATE TABLE resubmitted_lately (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run INTEGER NOT NULL REFERENCES runs,
            fault BLOB NOT NULL,
            fingerprint TEXT NOT NULL,
            pipeline TEXT,
            records BLOB NOT NULL
        )""",
        # The records that their units held, so that a fault raised again is known by its record.
        """CREATE TABLE resubmitted_records (
            record BLOB NOT NULL,
            run INTEGER NOT NULL REFERENCES runs,
            fault BLOB NOT NULL,
            PRIMARY KEY (record, run, fault)
        ) WITHOUT ROWID""",
    ),
    (
        # Requests to a CDN, each written down before it is sent; `paths` is a JSON list.
        """CREATE TABLE invalidations (
            run INTEGER NOT NULL REFERENCES runs,
            number INTEGER NOT NULL,
            caller_reference TEXT NOT NULL,
            paths TEXT NOT NULL,
            invalidation_id TEXT,
            created_ms INTEGER,
            status TEXT,
            completed_ms INTEGER,
            PRIMARY KEY (run, number)
        ) WITHOUT ROWID""",
    ),
    (
        # The ids of events that a run chose, some of an object in a row, which begin with that at `place` (see
        # `session.id_claims`): in the order in which they come, as they are sorted in when a session begins.
        """CREATE TABLE event_ids (
            run INTEGER NOT NULL REFERENCES runs,
            place INTEGER NOT NULL,
            claims BLOB NOT NULL,
            PRIMARY KEY (run, place)
        ) WITHOUT ROWID""",
        # Which of an object's events a run sends, found out before it sends any (see `session.picks`).
        """CREATE TABLE picks (
            run INTEGER NOT NULL REFERENCES runs,
            object INTEGER NOT NULL,
            bits BLOB NOT NULL,
            PRIMARY KEY (run, object)
        ) WITHOUT ROWID""",
    ),
    # The error by which the object could not be read to its end when that was found out.
    ("ALTER TABLE picks ADD COLUMN broken TEXT",),
    # A row of `resubmitted_lately` is of faults that have all but the digests in common, and as many records each: the
    # digests of both stand end to end. A row of one fault is as it was; an older version would take several for one.
    (),
    # The address of the Dask cluster at which a run's last session works, or worked.
    ("ALTER TABLE runs ADD COLUMN cluster TEXT",),
    # When the failure was told.
    ("ALTER TABLE failures ADD COLUMN told_ms INTEGER",),
    # How many records may have arrived twice, as it was when the session last gave a sign of life.
    ("ALTER TABLE sessions ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0",),
    # Whether others may deliver faults is asked again and again by a run that delivers thousands.
    ("CREATE INDEX open_sessions ON sessions (run) WHERE ended_ms IS NULL",),
    (
        # What was delivered of faults, for ever, each sorted by a digest (see `ledger.sorted_in`). What deliveries have
        # in common is told once.
        """CREATE TABLE origins (
            number INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES runs,
            fingerprint TEXT NOT NULL,
            pipeline TEXT
        )""",
        # No number is ever given twice: what one generation was is kept in memory.
        """CREATE TABLE generations (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            faults INTEGER NOT NULL,
            records INTEGER NOT NULL,
            fault_bits BLOB NOT NULL,
            record_bits BLOB NOT NULL
        )""",
        "CREATE TABLE sorted_faults (number INTEGER PRIMARY KEY, entries BLOB NOT NULL)",
        "CREATE TABLE sorted_records (number INTEGER PRIMARY KEY, entries BLOB NOT NULL)",
        # What was sorted in before is sorted in anew, before what waits for it.
        "UPDATE resubmitted_lately SET number = number + 1000000000000",
        "UPDATE sqlite_sequence SET seq = seq + 1000000000000 WHERE name = 'resubmitted_lately'",
        """INSERT INTO resubmitted_lately
            SELECT row_number() OVER (ORDER BY r.run), r.run, r.fault, f.fingerprint, f.pipeline, r.record
            FROM resubmitted_records r JOIN resubmitted f ON f.fault = r.fault""",
        """INSERT INTO resubmitted_lately
            SELECT (SELECT count(*) FROM resubmitted_records) + row_number() OVER (ORDER BY run),
            run, fault, fingerprint, pipeline, x'' FROM resubmitted""",
        "DROP TABLE resubmitted_records",
        "DROP TABLE resubmitted",
    ),
)

RESUBMITTED_SINCE = 11
"""The version in which what was delivered of faults is found as it is today."""


def migrate(connection: sqlite3.Connection, steps: Sequence[Step] = STEPS) -> bool:
    """Take the steps that the database has not taken yet, each in a transaction with its number; say if there were any.

    Two processes may do so at once: each step is taken by one of them.
    """
    is_older = False
    for number, step in enumerate(steps, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version(connection) < number:
                for statement in step:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
                is_older = True
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite has ended it itself where the disk is full
                connection.execute("ROLLBACK")
            raise
    return is_older


def version(connection: sqlite3.Connection) -> int:
    """How many steps the database has taken."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
