"""What was done, as data: summaries, a run in the ledger, the file for auditors."""
