"""Faults: what a stream processor set aside, in which formats it comes, how it is read and grouped."""
