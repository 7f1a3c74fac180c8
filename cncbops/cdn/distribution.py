"""A distribution, by what an operator may call it: its id, its domain name, or one of its aliases."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cncbops.aws_errors import denies, explain
from cncbops.errors import BadInput, CannotRun
from cncbops.lake.sources import printable

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

_ID = re.compile(r"E[A-Z0-9]{6,}")
_HOST = re.compile(r"(?:\*\.)?(?:[\w-]+\.)+[\w-]+\.?")


@dataclass(frozen=True)
class Origin:
    """Where content comes from. `path` is put before a viewer's path, as `/site`; empty for none."""

    domain: str
    path: str


@dataclass(frozen=True)
class Distribution:
    """What is known of a distribution; None and empty where CloudFront does not say.

    `tag_header` is the header from which it takes cache tags, None if it takes none.
    """

    id: str
    domain: str | None = None
    aliases: Sequence[str] = ()
    status: str | None = None
    enabled: bool | None = None
    tag_header: str | None = None
    origins: Sequence[Origin] = ()


def is_id(text: str) -> bool:
    """Whether this is a distribution's id, not a name that is to be looked up."""
    return bool(_ID.fullmatch(text))


def looks_like_distribution(text: str) -> bool:
    """Whether this may be no path that was typed without its slash: an id or a host's name, in any case."""
    return bool(_ID.fullmatch(text.upper()) or _HOST.fullmatch(text))


def find_distribution(client: "CloudFrontClient", text: str) -> Distribution:
    """The distribution that is meant. Raises BadInput if there is none, CannotRun if AWS does not say.

    One whose id is given needs no more than the right to invalidate: without the right to look at it
    nothing else is known of it.
    """
    if is_id(text):
        return _by_id(client, text)
    known = _all(client, text)
    found = _named(text, known)
    if found is None:
        raise _unknown(text, known)
    return _by_id(client, found.id, found)


def _by_id(client: "CloudFrontClient", distribution: str, listed: Distribution | None = None) -> Distribution:
    try:
        found = client.get_distribution(Id=distribution)["Distribution"]
    except client.exceptions.NoSuchDistribution as error:
        raise _unknown(distribution, _all_or_none(client)) from error
    except (ClientError, BotoCoreError) as error:
        if denies(error):
            return listed or Distribution(distribution)
        raise explain(error, f"look at distribution {distribution}") from error
    return _of_config(found, found["DistributionConfig"])


def _all(client: "CloudFrontClient", text: str) -> list[Distribution]:
    try:
        pages = client.get_paginator("list_distributions").paginate()
        return [_of_config(each, each) for page in pages for each in page["DistributionList"].get("Items", [])]
    except (ClientError, BotoCoreError) as error:
        explained = explain(error, f"look up {printable(text)} among the distributions")
        if denies(error):
            raise CannotRun(explained.what, f"{explained.next_step}; or give the distribution's id") from error
        raise explained from error


def _all_or_none(client: "CloudFrontClient") -> list[Distribution]:
    """The distributions, to name some that are close: where they may not be listed, none is."""
    try:
        return _all(client, "")
    except CannotRun:
        return []


def _of_config(found: Any, config: Any) -> Distribution:
    """From GetDistribution's answer and its config, or from a summary, which is both in one."""
    return Distribution(
        id=found["Id"],
        domain=found["DomainName"],
        aliases=tuple(config.get("Aliases", {}).get("Items", ())),
        status=found["Status"],
        enabled=config.get("Enabled"),
        tag_header=config.get("CacheTagConfig", {}).get("HeaderName"),
        origins=tuple(_origins(config)),
    )


def _origins(config: Any) -> Iterator[Origin]:
    for origin in config.get("Origins", {}).get("Items", ()):
        yield Origin(origin["DomainName"], origin.get("OriginPath", ""))


def _named(text: str, known: Sequence[Distribution]) -> Distribution | None:
    """The one with this domain or alias; else the one with an alias for all such names, as `*.example.com`."""
    name = text.lower()
    for wanted in (name, f"*.{name.partition('.')[2]}"):
        for each in known:
            if wanted in (name.lower() for name in (each.domain or "", *each.aliases)):
                return each
    return None


def _unknown(text: str, known: Sequence[Distribution]) -> BadInput:
    text = printable(text)
    names = [name for each in known for name in (each.id, each.domain or "", *each.aliases)]
    close = difflib.get_close_matches(text.lower(), [name.lower() for name in names], n=3)
    shown = [name for name in names if name.lower() in close]
    if shown:
        return BadInput(f"there is no distribution {text}", f"Is it {' or '.join(shown[:3])}?")
    return BadInput(f"there is no distribution {text}: {_seen(known)}", "Check the name, and the account in use")


def _seen(known: Sequence[Distribution]) -> str:
    if len(known) < 2:
        return f"there is only {known[0].domain}" if known else "none is to be seen"
    return f"there are {len(known):,}, such as {known[0].domain}"
