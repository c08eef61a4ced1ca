"""The text that a line of history is hashed by, which must stay what it is for ever."""

import datetime as dt

import pytest

from storage.chains.history import preimage
from storage.sealing import canonical, canonical_words

NOW = dt.datetime(2028, 11, 5, 6, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize("word", [
    "", "plain", 'a "quoted" \\ word', "two\nlines\tand\r\x00\x1f\x7f", "ñ é 世界 🙂", "\u2028 and \u2029", "</script>",
])  # fmt: skip
@pytest.mark.parametrize("digest", [None, "k1:ab"])
def test_a_line_is_hashed_as_canonical_json(word: str, digest: str | None) -> None:
    line = [12, NOW.isoformat(), f"person:{word}", "fact_recorded", canonical({"fact": word}).decode(), digest]
    assert preimage(12, NOW, *line[2:]) == canonical(line).decode()
    words = {"zoo": word, word: "fact", "alpha": ""}
    assert canonical_words(words) == canonical(words).decode() and canonical_words({}) == "{}"


def test_an_instant_is_hashed_in_utc() -> None:
    there = NOW.astimezone(dt.timezone(dt.timedelta(hours=-5)))
    assert preimage(1, there, "", "", "", None) == '[1,"2028-11-05T06:30:00+00:00","","","",null]'
