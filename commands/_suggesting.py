"""Looks names up for a word that is being typed: quickly, without a word, and seldom twice.

AWS is asked as the options say that are typed already, and the environment. Its libraries are loaded only where it is.
"""

import fcntl
import json
import os
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

from cncbops.completion.haste import gathered
from cncbops.completion.kept import LONGEST_S, Kept
from cncbops.errors import CncbopsError

if TYPE_CHECKING:
    from cncbops.config.files import Config

Names = Sequence[tuple[str, str]]

WITHIN_S = 1.5
"""How long somebody who types is let wait."""
IN_VAIN_S = 5.0
"""How long it is remembered that not all came: a second key press at once shall not wait again."""
MOST_RUNS = 100
_REACH = ("region", "profile", "role_arn", "endpoint_url")
_ASKER = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
    *("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
)
"""Variables that decide who asks whom; those that begin with _PLACE do, too. No other is looked at: tokens are among
them. Source: AWS SDKs and Tools Reference Guide, "Environment variables".
"""
_PLACE = "AWS_ENDPOINT_URL"
_CONFIG = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}


def suggestions(typed: Mapping[str, Any], what: str, subject: Sequence[str]) -> Names:
    """The names of a kind, as far as they are to be had. `typed` are the options by name, `subject` what it is of."""
    try:
        if what in _HERE:
            return _HERE[what](typed)
        if what == "stages":
            return _kept(typed, what, _stacks(typed))
        return _asked(typed, what, subject)[0] if what == "keys" else _kept(typed, what, subject)
    except (CncbopsError, OSError):
        return []


def _kept(typed: Mapping[str, Any], what: str, subject: Sequence[str]) -> Names:
    """Names that AWS knows, or that it told within the last minute to who asked the same way."""
    kept = Kept(Path(platformdirs.user_cache_path("cncbops")) / "completion", _question(typed, what, subject))
    names = kept.names()
    if names is None:
        found, is_all = _asked(typed, what, subject)
        names = list(dict.fromkeys(found))
        kept.keep(names, LONGEST_S if is_all else IN_VAIN_S)
    return names


def _question(typed: Mapping[str, Any], what: str, subject: Sequence[str]) -> str:
    """What is asked, and all that decides who asks whom. No secret is in it."""
    environment = {name: value for name, value in os.environ.items() if name in _ASKER or name.startswith(_PLACE)}
    files = [_state(Path(environment.get(name, usual)).expanduser()) for name, usual in _CONFIG.items()]
    return json.dumps([what, subject, [typed.get(name) for name in _REACH], environment, files], sort_keys=True)


def _state(path: Path) -> tuple[int, int] | None:
    """By what one sees that a file was written to."""
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    return None


def _asked(typed: Mapping[str, Any], what: str, subject: Sequence[str]) -> tuple[Names, bool]:
    """What AWS tells in time, and whether that is all of it."""
    _leave_terminal()
    return gathered(lambda: _pages(typed, what, subject), WITHIN_S)


def _pages(typed: Mapping[str, Any], what: str, subject: Sequence[str]) -> Any:
    from cncbops.aws import Aws, AwsAccess
    from cncbops.completion import names

    aws = Aws(AwsAccess(*(typed.get(name) for name in _REACH)))
    ask: Callable[..., names.Pages] = getattr(names, what)
    return ask(aws, *subject)


def _leave_terminal() -> None:
    """Let neither a role with a second factor nor a program for credentials ask the user: a prompt is on the screen."""
    with suppress(OSError), Path("/dev/tty").open("rb", buffering=0) as terminal:
        fcntl.ioctl(terminal, termios.TIOCNOTTY)


def _runs(typed: Mapping[str, Any], command: str | None = None) -> Names:
    from cncbops.ledger.recent import recent_runs

    folder = typed.get("state_dir") or platformdirs.user_state_path("cncbops")
    return recent_runs(Path(folder), MOST_RUNS, command)


def _followed(typed: Mapping[str, Any]) -> Names:
    """Replays, and the word for the newest that can be followed."""
    replays = list(_runs(typed, "replay"))
    return [("last", "the newest replay"), *replays] if replays else []


def _profiles(_: Mapping[str, Any]) -> Names:
    from botocore.session import Session

    return [(name, "") for name in Session().available_profiles]


def _regions(_: Mapping[str, Any]) -> Names:
    """From botocore's own list, without botocore, whose import takes twice as long as all else."""
    botocore = find_spec("botocore")
    assert botocore
    assert botocore.origin
    told = json.loads((Path(botocore.origin).parent / "data" / "partitions.json").read_bytes())
    regions = [region for partition in told["partitions"] for region in partition["regions"].items()]
    return [(name, about["description"]) for name, about in regions if not name.endswith("-global")]


def _watched_regions(typed: Mapping[str, Any]) -> Names:
    from cncbops.config.watched import watched_in

    return [(region, "") for region in watched_in(_configured(typed))]


def _own_profiles(typed: Mapping[str, Any]) -> Names:
    from cncbops.config.profiles import profiles_in

    return [(name, "") for name in profiles_in(_configured(typed))]


def _stacks(typed: Mapping[str, Any]) -> list[str]:
    """The patterns of the stacks by which a stage's names are found."""
    from cncbops.book import stacks_in
    from cncbops.config.names import names_in

    return stacks_in(names_in(_configured(typed)))


def _configured(typed: Mapping[str, Any]) -> "Config":
    from ._configured import configured

    return configured(typed.get("config"))


_HERE: Mapping[str, Callable[[Mapping[str, Any]], Names]] = {
    "runs": _runs,
    "followed": _followed,
    "profiles": _profiles,
    "regions": _regions,
    "watched_regions": _watched_regions,
    "own_profiles": _own_profiles,
}
"""What is known on this machine."""
