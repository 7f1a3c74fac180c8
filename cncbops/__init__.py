"""The engine of cncbops: data-lake replay and fault recovery for event-sourced AWS systems.

The way of a record, and so the rooms:

    source ─ list ─▶ read ─ decompress, split ─▶ decode ─▶ select ─▶ batch (by lane) ─▶ deliver ─▶ ledger ─▶ summary
             lake/                               formats/  selection/ kinesis/           delivery/

The engine never prints, never exits and reads no environment: `commands/` does, found by `cli`, the
entry point.
"""

__version__ = "0.1.0"
