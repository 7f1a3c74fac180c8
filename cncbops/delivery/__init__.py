"""Invoking a function with batches: order, pace, retries and outcomes."""
