"""How fast it is, beside the machine's limit and other ways to do the same; see BENCHMARKS.md."""
