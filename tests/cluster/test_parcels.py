"""What goes to a worker: all that it needs, and nothing that is a matter of this machine."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cncbops.aws import Aws, AwsAccess
from cncbops.cluster.parcels import Kept, packed, unpacked
from cncbops.ledger.ledger import Ledger
from cncbops.session.memory import Memory, NoMemory
from tests.execution.bench import nothing, outfit

SECRETS = ("AKIASECRETKEYID", "the-secret-key", "the-session-token", "my-profile", "a-profile-key", "us-west-7")


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of every kind that there are on an operator's machine."""
    config = tmp_path / "config"
    config.write_text(
        "[profile my-profile]\nregion = us-west-7\naws_access_key_id = a-profile-key\naws_secret_access_key = s\n"
        "[default]\nregion = us-west-7\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRETS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[1])
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRETS[2])


def no_memory(_number: int) -> Memory:
    return NoMemory()


def there(what: Any) -> Any:
    (found,) = unpacked(packed(what, Kept()), no_memory)
    return found


@pytest.mark.usefixtures("credentials")
def test_no_credentials_and_no_profile_go_along_and_the_region_that_is_in_force_does() -> None:
    access = AwsAccess(profile="my-profile", role_arn="arn:aws:iam::123456789012:role/replay", source_role_arn="arn:x")
    aws = Aws(access)
    aws.lambda_()  # it has a session now, with credentials
    aws.require_credentials()
    sent = packed((outfit(aws=aws, s3=partial(nothing, aws)), access), Kept())
    assert not [secret for secret in SECRETS[:-1] if secret.encode() in sent]
    given, alone = there((outfit(aws=aws), access))
    assert given.aws.access == AwsAccess(
        region="us-west-7", role_arn="arn:aws:iam::123456789012:role/replay", source_role_arn="arn:x"
    )
    assert alone == AwsAccess(role_arn="arn:aws:iam::123456789012:role/replay", source_role_arn="arn:x")


@pytest.mark.usefixtures("credentials")
def test_to_workers_of_this_machine_the_profile_goes_along() -> None:
    access = AwsAccess(profile="my-profile")
    (found,) = unpacked(packed(Aws(access), Kept(here=True)), no_memory)
    assert found.access == AwsAccess(profile="my-profile", region="us-west-7")


def test_what_is_given_goes_before_what_is_set_here() -> None:
    access = AwsAccess(region="eu-west-1", endpoint_url="http://127.0.0.1:1")
    assert there(Aws(access)).access == access


def test_the_ledgers_memory_stays_and_what_asks_for_it_goes(tmp_path: Path) -> None:
    with Ledger.open(tmp_path) as ledger:
        one, other, kept = ledger.resubmitted(), ledger.resubmitted(), Kept()
        sent = [packed((one, "told"), kept), packed((other, one), kept)]
        assert str(tmp_path).encode() not in b"".join(sent)
        asked: list[int] = []

        def asking(number: int) -> Memory:
            asked.append(number)
            return NoMemory()

        assert [type(found) for (found, _) in unpacked(b"".join(sent), asking)] == [NoMemory] * 2
        assert [kept[number] for number in asked] == [one, other, one]


@given(st.lists(st.recursive(st.binary() | st.integers() | st.text(), st.lists, max_leaves=5), max_size=5))
def test_any_number_of_parcels_is_told_apart_behind_one_another(sent: list[Any]) -> None:
    parcels = b"".join(packed(each, Kept()) for each in sent)
    assert list(unpacked(parcels, no_memory)) == sent
