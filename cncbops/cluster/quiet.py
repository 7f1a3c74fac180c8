"""What Dask says in its logs is not for the terminal: what matters of it is told by our own words."""

import logging
import warnings

_TALKERS = ("distributed", "tornado", "asyncio", "dask")


def silence() -> None:
    """Keep what Dask and its libraries log, and warn of, from the terminal."""
    for name in {*_TALKERS, *(name for name in logging.root.manager.loggerDict if name.startswith(_TALKERS))}:
        logger = logging.getLogger(name)
        if name in _TALKERS or logger.handlers:
            logger.handlers, logger.propagate = [logging.NullHandler()], False
    warnings.filterwarnings("ignore", module=r"(distributed|tornado)(\.|$)")
