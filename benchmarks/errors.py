"""What can keep a benchmark from being made."""


class CannotMeasure(Exception):
    """What a measurement needs is not to be had, or failed; the message says what."""
