"""CSV files with a header row, read strictly."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.errors import FaultyInput, UsageError
from engine.faults import Fault, Mark

WrongColumns = Callable[[list[str], Mark], Iterable[Fault]]


def read_table(path: Path, wrong_columns: WrongColumns) -> list[tuple[Mark, dict[str, str]]]:
    """The rows of a file in UTF-8, each with the line that it ends on, their cells without blanks at the ends.

    Raises `UsageError` for a file that cannot be read, `FaultyInput` for one that is no such table.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}: save the file as CSV in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        names = [name.strip() for name in reader.fieldnames or ()]
        faults = list(wrong_columns(names, Mark(str(path), 1, 1)))
        if len(set(names)) < len(names):
            faults.append(Fault(Mark(str(path), 1, 1), "a column is there twice: keep one of each"))
        if faults:
            raise FaultyInput(faults)
        rows = [(Mark(str(path), reader.line_num, 1), row) for row in reader]
    except csv.Error as error:
        where = Mark(str(path), max(reader.line_num, 1), 1)
        raise FaultyInput([Fault(where, "not readable as CSV: check the quotes, one may not be closed")]) from error
    faults = [Fault(mark, "this row has more or fewer cells than the header: check its commas and quotes")
              for mark, row in rows if None in row or None in row.values()]
    if faults:
        raise FaultyInput(faults)
    return [(mark, {key.strip(): value.strip() for key, value in row.items()}) for mark, row in rows]
