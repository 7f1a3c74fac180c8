"""`[stage]`: the table of names with what files replace of it."""

from pathlib import Path

import pytest

from cncbops.book import BOOK, Name
from cncbops.config.files import Config, ConfigFile, Origin, read_config
from cncbops.config.names import names_in
from cncbops.errors import BadInput


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "cncbops.toml"
    path.write_text(text)
    return read_config(tmp_path, tmp_path / "nobody", path)


def test_without_files_the_names_are_the_books() -> None:
    assert names_in(Config()) == BOOK


def test_a_key_replaces_its_entry_and_no_other(tmp_path: Path) -> None:
    table = names_in(
        config(
            tmp_path,
            """
            [stage]
            lake = { stack = "event-lake-{stage}", output = "BucketName" }
            prefix = "{region}/"
            alarms = [{ stack = "check-{stage}", resource = "Alarm" }, "{stage}-5xx"]
            tables = { stack = "check-{stage}", text = "{stage}-t1" }
            queues = []
            """,
        )
    )
    assert table["lake"] == (Name(stack="event-lake-{stage}", output="BucketName"),)
    assert table["prefix"] == (Name(text="{region}/"),)
    assert table["alarms"] == (Name(stack="check-{stage}", resource="Alarm"), Name(text="{stage}-5xx"))
    assert table["tables"] == (Name(stack="check-{stage}", text="{stage}-t1"),)
    assert (table["queues"], table["faults"]) == ((), BOOK["faults"])


def test_the_nearest_file_counts_key_by_key() -> None:
    def file(**stage: str) -> ConfigFile:
        return ConfigFile(Path("/any"), Origin.named, {"stage": stage})

    table = names_in(Config((file(lake="near"), file(lake="far", prefix="far"))))
    assert (table["lake"], table["prefix"]) == ((Name(text="near"),), (Name(text="far"),))


def test_nothing_but_stage_and_region_is_replaced() -> None:
    name = Name(stack="{stage}-{region}-{stage}", output="{other}", text="%s {0} {stage.__class__}")
    assert name.at("john", "us-east-1") == Name(
        stack="john-us-east-1-john", output="{other}", text="%s {0} {stage.__class__}"
    )


@pytest.mark.parametrize(
    ("text", "what", "next_step"),
    [
        ('laek = "x"', "unknown key stage.laek", "Did you mean lake?"),
        ('lake = "{stag}-lake"', "nothing is put in the place of {stag} in stage.lake", "Did you mean {stage}?"),
        ('lake = "{stage.__class__}"', "nothing is put in the place of {stage.__class__}", ""),
        ('lake = "{{stage}}"', "nothing is put in the place of {", ""),
        ("lake = 5", "stage.lake is an integer, no table", ""),
        ("lake = { stack = 5, output = 'O' }", "stage.lake.stack is an integer", ""),
        ("lake = { stack = 's', outptu = 'O' }", "unknown key stage.lake.outptu", "Did you mean output?"),
        ("lake = { stack = 's' }", "stage.lake does not say where the name is found", ""),
        ("lake = { output = 'O' }", "stage.lake does not say where the name is found", ""),
        ("lake = { stack = 's', output = 'O', text = 't' }", "stage.lake does not say where the name is found", ""),
    ],
)
def test_what_is_no_pattern_is_told_with_its_key(tmp_path: Path, text: str, what: str, next_step: str) -> None:
    with pytest.raises(BadInput) as told:
        names_in(config(tmp_path, f"[stage]\n{text}\n"))
    assert what in told.value.what
    assert str(tmp_path / "cncbops.toml") in told.value.what
    assert next_step in told.value.next_step
