"""Which files are read, and which are not for they may be another user's doing."""

import os
from pathlib import Path

import pytest

from cncbops.config.files import Origin, read_config
from cncbops.errors import BadInput


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """The user's folder, with a file."""
    folder = tmp_path / "user"
    folder.mkdir()
    (folder / "cncbops.toml").write_text("[defaults]\nquiet = true\n")
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder below one with a file."""
    (tmp_path / "team").mkdir(mode=0o755)
    (tmp_path / "team" / "cncbops.toml").write_text("[profiles.prod]\n")
    (tmp_path / "team" / "below" / "more").mkdir(parents=True)
    return tmp_path / "team" / "below" / "more"


def test_the_nearest_file_upwards_counts_before_the_users_own(work: Path, user: Path) -> None:
    nearest, users = read_config(work, user).files
    assert (nearest.path, nearest.origin) == (work.parent.parent / "cncbops.toml", Origin.upwards)
    assert (users.path, users.origin) == (user / "cncbops.toml", Origin.user)
    (work / "cncbops.toml").write_text("[defaults]\n")
    assert [file.path.parent for file in read_config(work, user).files] == [work, user]


def test_a_file_is_read_once_though_it_is_both(user: Path) -> None:
    assert [file.origin for file in read_config(user, user).files] == [Origin.user]


def test_a_file_that_is_named_is_the_only_one(work: Path, user: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("[stage]\n")
    assert [(file.path, file.told) for file in read_config(work, user, other).files] == [(other, {"stage": {}})]
    assert read_config(work, user, Path(os.devnull)).files[0].told == {}


@pytest.mark.parametrize(
    ("text", "what", "next_step"),
    [
        ("[default]\n", "unknown key default", "Did you mean defaults?"),
        ("[everything]\n", "unknown key everything", "Known here: defaults, profiles, stage, health"),
        ("x = \n", "is not TOML", "Mend the file"),
        ("\xff", "is not TOML", "Mend the file"),
    ],
)
def test_what_no_file_may_hold_is_told(work: Path, user: Path, text: str, what: str, next_step: str) -> None:
    (work / "cncbops.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=what) as told:
        read_config(work, user)
    assert str(work / "cncbops.toml") in told.value.what
    assert told.value.next_step == next_step


def test_a_folder_in_its_place_is_told(work: Path, user: Path) -> None:
    (work / "cncbops.toml").mkdir()
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_config(work, user)


@pytest.mark.parametrize("what", ["cncbops.toml", "."])
def test_what_everybody_can_write_is_not_read_unless_it_is_named(work: Path, user: Path, what: str) -> None:
    file = work / "cncbops.toml"
    file.write_text("[defaults]\n")
    (work / what).chmod(0o777)
    with pytest.raises(BadInput, match="everybody can write") as told:
        read_config(work, user)
    assert "--config" in told.value.next_step
    assert read_config(work, user, file).files


def test_in_a_folder_for_all_with_the_sticky_bit_only_ones_own_files_are_read(work: Path, user: Path) -> None:
    (work / "cncbops.toml").write_text("[defaults]\n")
    work.chmod(0o1777)
    assert read_config(work, user).files[0].path.parent == work


def test_a_link_is_followed(work: Path, user: Path) -> None:
    (work / "cncbops.toml").symlink_to(user / "cncbops.toml")
    assert [(file.path, file.origin) for file in read_config(work, user).files] == [
        (user / "cncbops.toml", Origin.user)
    ]
    (work / "cncbops.toml").unlink()
    (work / "cncbops.toml").symlink_to(work.parent.parent / "cncbops.toml")
    assert read_config(work, user).files[0].path == work / "cncbops.toml"


def test_what_lies_in_a_closed_folder_is_not_there(work: Path, user: Path) -> None:
    for folder in (work, user):
        folder.chmod(0o600)
    user_id = os.geteuid()
    os.seteuid(user_id or 65534)  # nothing is closed to root
    try:
        assert read_config(work, user).files == ()
    finally:
        os.seteuid(user_id)
        for folder in (work, user):
            folder.chmod(0o700)


def test_without_a_folder_the_users_own_file_is_all(user: Path) -> None:
    assert [file.origin for file in read_config(None, user).files] == [Origin.user]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["cncbops.toml", "."])
def test_what_belongs_to_another_user_is_not_read(work: Path, user: Path, what: str) -> None:
    (work / "cncbops.toml").write_text("[defaults]\n")
    os.chown(work / what, 12345, -1)
    with pytest.raises(BadInput, match="belongs to another user"):
        read_config(work, user)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_users_link_does_not_choose_among_ones_own_files(work: Path, user: Path) -> None:
    (work / "cncbops.toml").symlink_to(work.parent.parent / "cncbops.toml")
    os.chown(work / "cncbops.toml", 12345, -1, follow_symlinks=False)
    with pytest.raises(BadInput, match="belongs to another user"):
        read_config(work, user)
