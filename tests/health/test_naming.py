"""Which regions are looked at, and what in each: from a file, from options, from a stage."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cncbops.config.files import read_config
from cncbops.errors import BadInput
from cncbops.health.naming import Naming, regions_of
from cncbops.health.running import Region
from cncbops.watched import Watched

NOWHERE = Path("/nowhere")
FILE = """
[health.us-east-1]
tables = ["t1"]
[health.us-west-2]
tables = ["t2"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder below the one with the file."""
    (tmp_path / "cncbops.toml").write_text(FILE)
    below = tmp_path / "below"
    below.mkdir()
    return below


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with no file in it or above."""
    return tmp_path


def gathered(
    folder: Path,
    *regions: str,
    texts: Mapping[str, Sequence[str]] | None = None,
    stage: str | None = None,
    config: Path | None = None,
) -> list[Region]:
    naming = Naming(regions, read_config(folder, NOWHERE, config), stage, texts or {})
    return regions_of(naming, lambda: "eu-west-1")


def known(regions: Sequence[Region]) -> dict[str, Watched]:
    return {region.name: region.known for region in regions}


T1, T2 = Watched(tables=("t1",)), Watched(tables=("t2",))


def test_all_regions_of_the_nearest_file_are_looked_at(folder: Path) -> None:
    assert known(gathered(folder)) == {"us-east-1": T1, "us-west-2": T2}


def test_arguments_choose_among_them_in_their_order(folder: Path) -> None:
    assert list(known(gathered(folder, "us-west-2"))) == ["us-west-2"]
    assert list(known(gathered(folder, "us-west-2", "us-east-1", "us-west-2"))) == ["us-west-2", "us-east-1"]


def test_a_file_that_is_named_counts_instead(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[health.ap-south-1]\ntables = "t3"\n')
    assert known(gathered(folder, config=other)) == {"ap-south-1": Watched(tables=("t3",))}


def test_the_users_file_counts_where_the_nearest_names_nothing(folder: Path, tmp_path: Path) -> None:
    (folder / "cncbops.toml").write_text("[defaults]\n")
    config = read_config(folder, tmp_path)
    assert [file.path.parent for file in config.files] == [folder, tmp_path]
    assert known(regions_of(Naming((), config, None, {}), lambda: "eu-west-1")) == {"us-east-1": T1, "us-west-2": T2}


def test_options_add_to_the_file_for_every_region_or_for_one(folder: Path) -> None:
    found = known(gathered(folder, texts={"alarms": ["a*", "us-west-2=b"], "tables": ["us-east-1=t1", "us-east-1=t9"]}))
    assert found == {
        "us-east-1": Watched(tables=("t1", "t9"), alarms=("a*",)),
        "us-west-2": Watched(tables=("t2",), alarms=("b", "a*")),
    }


def test_an_option_may_name_a_region_that_the_file_does_not(folder: Path) -> None:
    found = known(gathered(folder, texts={"tables": ["ap-south-1=t3"]}))
    assert found == {"us-east-1": T1, "us-west-2": T2, "ap-south-1": Watched(tables=("t3",))}


def test_names_without_a_region_are_of_the_one_in_force(bare: Path) -> None:
    assert known(gathered(bare, texts={"tables": ["t1"]})) == {"eu-west-1": T1}
    assert known(gathered(bare, "us-east-1", "us-west-2", texts={"tables": ["t1"]})) == {
        "us-east-1": T1,
        "us-west-2": T1,
    }


def test_a_url_may_hold_an_equals_sign(bare: Path) -> None:
    urls = ["https://x/check?key=1", "us-east-1=https://y/check?key=2"]
    found = known(gathered(bare, "us-east-1", texts={"checks": urls}))
    assert found == {"us-east-1": Watched(checks=("https://y/check?key=2", "https://x/check?key=1"))}


def test_a_stage_is_looked_for_in_every_region(folder: Path, bare: Path) -> None:
    for region in gathered(folder, "us-east-1", "ap-south-1", stage="john"):
        assert region.looked_for == "stage john"
        assert region.looks
    assert [region.name for region in gathered(bare / "none", stage="john", config=folder.parent / "cncbops.toml")] == [
        "us-east-1",
        "us-west-2",
    ]


def test_a_stage_alone_is_of_the_region_in_force(bare: Path) -> None:
    assert [region.name for region in gathered(bare, stage="john")] == ["eu-west-1"]


@pytest.mark.parametrize("regions", [(), ("us-east-1",)])
def test_where_nothing_is_named_it_is_told_how_to_name_it(bare: Path, regions: tuple[str, ...]) -> None:
    with pytest.raises(
        BadInput, match=r"nothing (of us-east-1 )?is named to look at: there is no cncbops.toml"
    ) as told:
        gathered(bare, *regions)
    assert told.value.next_step == (
        "Write cncbops.toml with [health.us-east-1], or give options such as --check URL, or --stage NAME"
    )


@pytest.mark.parametrize(
    ("regions", "texts", "what"),
    [
        (("ap-south-1",), {}, "nothing of ap-south-1 is named to look at in .*cncbops.toml"),
        (("useast1",), {}, "'useast1' is no region"),
        ((), {"checks": ["us-east-1=ftp://x"]}, "'ftp://x' is no check endpoint"),
        ((), {"queues": ["a b"]}, "names no SQS queue"),
        ((), {"faults": ["faults"]}, "'faults' is no place in S3"),
        ((), {"tables": ["us-east-1="]}, "'us-east-1=' names nothing"),
        ((), {"tables": [""]}, "'' names nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    folder: Path, regions: tuple[str, ...], texts: dict[str, list[str]], what: str
) -> None:
    with pytest.raises(BadInput, match=what):
        gathered(folder, *regions, texts=texts)


def test_a_file_is_held_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "cncbops.toml").write_text('[health.us-east-1]\nchecks = ["abc123/check"]\n')
    with pytest.raises(BadInput, match="'abc123/check' is no check endpoint"):
        gathered(tmp_path)
