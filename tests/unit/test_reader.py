"""Strict YAML: what was typed is what is read, and whatever could surprise is refused with its place."""

from pathlib import Path

import pytest

from engine.errors import FaultyInput, UsageError
from engine.faults import Mark
from engine.nodes import ListNode, MapNode, Scalar
from workflows.reader import MAX_NESTING, MAX_SIZE, read_file, read_yaml


@pytest.mark.parametrize(
    "typed", ["on", "no", "12:30", "2026-07-01", "0x1f", "1_000", "1e3", "=", "<<", "~", "null", "True", ".inf", "007"]
)
def test_text_stays_text_as_key_and_as_value(typed: str) -> None:
    node = read_yaml(f"{typed}: {typed}", "f")
    assert isinstance(node, MapNode)
    [(key, value)] = node.entries
    assert (key.text, key.quoted) == (typed, False)
    assert isinstance(value, Scalar) and (value.text, value.quoted) == (typed, False)


@pytest.mark.parametrize(
    ("typed", "text", "quoted"),
    [
        ("'12'", "12", True),
        ('"true"', "true", True),
        ("|\n  two\n  lines\n", "two\nlines\n", True),
        (">\n  folded\n  here\n", "folded here\n", True),
        ("plain text", "plain text", False),
        ("", "", False),
        ("'é ñ 學'", "é ñ 學", True),
    ],
)
def test_a_scalar_remembers_whether_it_was_quoted(typed: str, text: str, quoted: bool) -> None:
    node = read_yaml(f"key: {typed}", "f")
    assert isinstance(node, MapNode)
    value = node.get("key")
    assert isinstance(value, Scalar) and (value.text, value.quoted) == (text, quoted)


def test_nodes_carry_their_places_from_one() -> None:
    node = read_yaml("a:\n  - x\n  - b: 'y'\n", "dir/p.yaml")
    assert node == MapNode(
        (
            (
                Scalar("a", Mark("dir/p.yaml", 1, 1)),
                ListNode(
                    (
                        Scalar("x", Mark("dir/p.yaml", 2, 5)),
                        MapNode(
                            (
                                (
                                    Scalar("b", Mark("dir/p.yaml", 3, 5)),
                                    Scalar("y", Mark("dir/p.yaml", 3, 8), quoted=True),
                                ),
                            ),
                            Mark("dir/p.yaml", 3, 5),
                        ),
                    ),
                    Mark("dir/p.yaml", 2, 3),
                ),
            ),
        ),
        Mark("dir/p.yaml", 1, 1),
    )


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", "1:1", "document is empty"),
        ("# only a remark\n", "1:1", "document is empty"),
        ("a: 1\nb: 2\na: 3", "3:1", "'a' is here twice, first on line 1"),
        ("x:\n  'a': 1\n  a: 2", "3:3", "'a' is here twice, first on line 2"),
        ("a: 1\n---\nb: 2", "2:1", "a second document"),
        ("a: &x 1", "1:4", "anchors and aliases"),
        ("a: !!str 3", "1:4", "the tag 'tag:yaml.org,2002:str'"),
        ("a: ! 3", "1:4", "the tag '!'"),
        ("a: !!python/object/apply:os.system ['x']", "1:4", "the tag"),
        ("? [a]\n: 1", "1:3", "a key must be one word"),
        ("ok: 1\na: \x07", "2:4", "U+0007"),
        ('a: "\\u0007"', "1:4", "U+0007"),
        ("a: \u2028", "1:4", "U+2028"),
        ("a: \x9b", "1:4", "U+009B"),
        ("a: \ud800", "1:4", "U+D800"),
        ("a: b: c", "1:5", "put the text in quotes"),
        ("a: 1\n\tb: 2", "2:1", "indent with spaces"),
        ("a: @x", "1:4", "put the text in quotes"),
        ("a: 'open\nb: 1", "2:5", "never closed (in what begins on line 1)"),
        ("a: [1, 2\nb: 3", "2:2", "'[' or '{' is not closed"),
        ("a:\n  b: 1\n c: 2", "3:2", "does not fit the block above"),
        ("- 1\nb: 2", "2:1", "without its '- '"),
        ("a: 1\nb\nc: 1", "3:1", "the line before has no ':'"),
        ('a: "\\q"', "1:5", "use single quotes"),
        ("a: ]", "1:4", "not readable as YAML"),
        ("a: " + "[" * 50 + "]" * 50, f"1:{MAX_NESTING + 3}", "nests at most 32 deep"),
        ("[" * 100_000 + "]" * 100_000, f"1:{MAX_NESTING + 1}", "nests at most 32 deep"),
        ("a" * (MAX_SIZE + 1), "1:1", "more than 1,000,000 characters"),
    ],
)
def test_a_surprise_is_refused_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(FaultyInput) as refused:
        read_yaml(text, "f")
    [fault] = refused.value.faults
    assert f"{fault.mark.line}:{fault.mark.column}" == place
    assert says in fault.message and "\n" not in fault.message


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(FaultyInput) as refused:
        read_yaml("a: &x 1\nb: *x\nc: !t 2\nd: [", "f")
    assert [fault.mark.line for fault in refused.value.faults[:3]] == [1, 2, 3]
    assert "not readable as YAML" in refused.value.faults[-1].message

    with pytest.raises(FaultyInput) as twice:
        read_yaml("a: {x: 1, x: 2}\nb: {y: 1, y: 2}\na: 3", "f")
    assert [(fault.mark.line, fault.mark.column) for fault in twice.value.faults] == [(1, 11), (2, 11), (3, 1)]


def test_nesting_up_to_the_limit_is_read() -> None:
    depth, node = 0, read_yaml("[" * MAX_NESTING + "]" * MAX_NESTING, "f")
    while isinstance(node, ListNode):
        depth += 1
        if not node.items:
            break
        node = node.items[0]
    assert depth == MAX_NESTING


@pytest.mark.parametrize("content", [b"a: 1\n", b"\xef\xbb\xbfa: 1\n", b"a: 1\r\n"], ids=["plain", "mark", "crlf"])
def test_a_file_is_read_as_utf8(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(content)
    node = read_file(path)
    assert isinstance(node, MapNode)
    assert node.entries == ((Scalar("a", Mark(str(path), 1, 1)), Scalar("1", Mark(str(path), 1, 4))),)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: 1\nb: \xff", ":2:4: this is not UTF-8: save the file as UTF-8"),
        (b"# " + b"x" * MAX_SIZE, ":1:1: the document has more than 1,000,000 bytes: split it"),
    ],
)
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(content)
    with pytest.raises(FaultyInput) as refused:
        read_file(path)
    assert str(refused.value) == f"{path}{says}"


def test_a_file_that_is_not_there_is_a_plain_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read \(No such file or directory\): check the name"):
        read_file(tmp_path / "none.yaml")
