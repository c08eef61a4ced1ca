"""district.yaml as setup writes it: every key explained, and read again as what was said."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cli.settings import KEYS as READ
from cli.settings import check_text, read_settings
from cli.setup.document import KEYS, Plain, plain, render
from workflows.reader import read_yaml

WORDS = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), min_size=1, max_size=40)
SCALARS = WORDS | st.integers(-10_000, 10_000) | st.booleans()
NAMES = st.sampled_from(["name", "email", "from", "to"])
VALUES = SCALARS | st.lists(SCALARS, max_size=20) | st.dictionaries(NAMES, SCALARS, min_size=1) | st.lists(
    st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=3), min_size=1), min_size=1, max_size=3)


def test_every_key_that_is_read_is_explained_and_no_other() -> None:
    assert sorted(key.name for key in KEYS) == sorted(READ)
    assert all(key.says for key in KEYS)


@given(st.dictionaries(st.sampled_from([key.name for key in KEYS]), VALUES))
def test_what_is_written_is_read_again(settings: dict[str, Plain]) -> None:
    assert plain(read_yaml(render(settings), "district.yaml")) == settings if settings else True


def test_the_examples_are_settings(tmp_path: Path) -> None:
    for name in ("election.pdf", "logo.png"):
        (tmp_path / name).write_bytes(b"paper")
    path = tmp_path / "district.yaml"
    path.write_text(render({key.name: key.example for key in KEYS}), "utf-8")
    read = read_settings(path)
    assert (read.district, read.hold_grace, read.demo) == ("Prairie Creek USD 99", 1, True)


def test_an_example_becomes_a_setting_by_taking_its_mark_away(tmp_path: Path) -> None:
    text = render({"district": "D", "zone": "America/Chicago"})
    check_text(text.replace("# weekly_briefs:", "weekly_briefs:"), tmp_path / "district.yaml")
    assert all(len(line) <= 100 for line in text.splitlines())
