"""The ledger: one SQLite database that holds every run, what is done of it, and what went wrong."""
