"""The rows of an adoption, from CSV or YAML: one case each, with what was, when, and the document that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.tables import read_table
from engine import nodes
from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark
from engine.nodes import Faults, Node
from registry.inventory import OPENS_A_FORMULA
from workflows.reader import read_file

NEEDED = ("key", "process", "state")
OWN = (*NEEDED, "since", "child_of", "begun_by")
"""The columns that are no fact, party, event or document of the case."""

EVIDENCE = "evidence."
MOST = 1000
GIVEN = ("given", "happened", "evidence")


@dataclass(frozen=True, slots=True)
class Row:
    """`own` are the cells of `OWN` columns; `given` facts and parties, `happened` dates of events, `evidence` files,
    each by its name, as typed."""

    mark: Mark
    own: Mapping[str, str]
    given: Mapping[str, str]
    happened: Mapping[str, str]
    evidence: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.own["key"]


def read_rows(path: Path) -> list[Row]:
    """Raises `FaultyInput` with every fault of its form, or `UsageError`."""
    kinds = {".csv": _of_csv, ".yaml": _of_yaml, ".yml": _of_yaml}
    if path.suffix.lower() not in kinds:
        raise UsageError(f"{path}: an adoption is a .csv or a .yaml file")
    rows = kinds[path.suffix.lower()](path)
    faults = [*_incomplete(rows), *_twice(rows)]
    if len(rows) > MOST:
        faults.append(Fault(rows[MOST].mark, f"more than {MOST:,} rows: split the file"))
    if faults:
        raise FaultyInput(faults)
    return parents_first(rows)


def parents_first(rows: Sequence[Row]) -> list[Row]:
    """Each row after the one whose child it is. Raises `FaultyInput` where rows are children of each other."""
    left, found = list(rows), list[Row]()
    while left:
        waiting = {row.key for row in left}
        ready = [row for row in left if parent_of(row) not in waiting]
        if not ready:
            raise FaultyInput([Fault(left[0].mark, "child_of: these rows are children of each other")])
        found += ready
        left = [row for row in left if row not in ready]
    return found


def parent_of(row: Row) -> str | None:
    """The key of the row whose child this is; the child's name may follow after a slash."""
    return row.own.get("child_of", "").partition("/")[0] or None


def _of_csv(path: Path) -> list[Row]:
    table = read_table(path, _wrong_columns)
    return [_row(mark, {name: _restored(cell) for name, cell in cells.items() if cell}) for mark, cells in table]


def _wrong_columns(names: list[str], mark: Mark) -> Iterator[Fault]:
    return (Fault(mark, f"the column '{name}' is missing: the header needs {', '.join(NEEDED)}")
            for name in NEEDED if name not in names)


def _row(mark: Mark, cells: Mapping[str, str]) -> Row:
    """A row of a table: what has a dot in its name is an event, or the document behind something."""
    evidence = {name.removeprefix(EVIDENCE): cell for name, cell in cells.items() if name.startswith(EVIDENCE)}
    rest = {name: cell for name, cell in cells.items() if name not in OWN and not name.startswith(EVIDENCE)}
    return Row(mark, {name: cells[name] for name in OWN if name in cells},
               {name: cell for name, cell in rest.items() if "." not in name},
               {name: cell for name, cell in rest.items() if "." in name}, evidence)


def _restored(cell: str) -> str:
    """A cell as it was before it went out defused."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in OPENS_A_FORMULA else cell


def _of_yaml(path: Path) -> list[Row]:
    faults = Faults()
    top = nodes.fields(read_file(path), faults, required=["cases"], what="the document")
    rows = [_case(node, faults) for node in nodes.items(top.get("cases"), faults, "cases")]
    faults.raise_if_any()
    return rows


def _case(node: Node, faults: Faults) -> Row:
    top = nodes.fields(node, faults, required=NEEDED, optional=(*OWN, *GIVEN), what="a case")
    own = {name: nodes.text(top[name], faults, name) or "" for name in OWN if name in top}
    given, happened, evidence = (_texts(top.get(name), faults) for name in GIVEN)
    return Row(node.mark, own, given, happened, evidence)


def _texts(node: Node | None, faults: Faults) -> dict[str, str]:
    return {key.text: nodes.text(value, faults, key.text) or "" for key, value in nodes.named(node, faults)}


def _incomplete(rows: Iterable[Row]) -> Iterator[Fault]:
    for row in rows:
        for name in NEEDED:
            if not row.own.get(name):
                yield Fault(row.mark, f"{name} is missing: each row needs {', '.join(NEEDED)}")


def _twice(rows: Iterable[Row]) -> Iterator[Fault]:
    first: dict[str, Mark] = {}
    for row in rows:
        key = row.own.get("key", "")
        if key and first.setdefault(key, row.mark) != row.mark:
            yield Fault(row.mark, f"key '{key}' is on line {first[key].line} already: give each case its own")
