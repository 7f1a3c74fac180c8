"""The face of cncbops: one file per command; parse, call the engine, render."""
