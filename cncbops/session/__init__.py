"""One process at work on a run: what it reads, counts, writes down, and obeys."""
