"""The law and the processes as data, and the catalogue that reads them.

A process is a folder: `process.yaml` and `mails/NAME.LANGUAGE.md`. A folder of the same name in the district's overlay
takes the place of the shipped one as a whole. The compiler is loaded with the first definition; few commands need one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import FaultyInput, SoppaError, UsageError, WrongEnvironment
from engine.faults import Fault
from engine.nodes import nearest
from workflows.reader import read_yaml

if TYPE_CHECKING:
    from engine.law.calendar import Calendar
    from engine.law.clocks import Rule
    from engine.law.ladders import Ladder
    from engine.model.definition import Definition
    from engine.model.office import Reference
    from engine.model.retention import Retention

SHIPPED = Path(__file__).parent
PROCESS_FILE = "process.yaml"
LADDERS = "ladders.yaml"
RETENTION = "retention/illinois.yaml"


@dataclass(frozen=True, slots=True)
class Lawbook:
    """Rules by id, calendars by id, ladders and reference data by name."""

    rules: Mapping[str, Rule]
    calendars: Mapping[str, Calendar]
    ladders: Mapping[str, Ladder]
    references: Mapping[str, Reference]


@cache
def lawbook() -> Lawbook:
    """The shipped law, read once. Raises `FaultyInput`."""
    return _lawbook(_law_documents())


def compile_source(text: str, file: str, texts: Mapping[str, str], law: Lawbook | None = None) -> Definition:
    """A definition from its YAML and its mails (`NAME.LANGUAGE` to source), under the shipped law or another.

    Raises `FaultyInput` with all faults.
    """
    from engine.language.compile import compile_definition
    from registry.fields import FIELDS

    law = law or lawbook()
    names = {name: tuple(reference.texts) for name, reference in law.references.items()}
    return compile_definition(
        read_yaml(text, file), rules=law.rules, ladders=law.ladders, texts=texts, references=names, register=FIELDS
    )


class Catalogue:
    """The definitions shipped with the program, under those of a district's overlay folder.

    A process is read and compiled when it is first asked for.
    """

    def __init__(self, overlay: Path | None = None) -> None:
        self._overlay = overlay
        self._compiled: dict[str, Definition] = {}
        self._scheduled: tuple[Definition, ...] | None = None

    def processes(self) -> tuple[str, ...]:
        return tuple(sorted(self._folders))

    def scheduled(self) -> tuple[Definition, ...]:
        """The processes that start by a schedule. One that cannot be read has none now; what it left waiting stays."""
        if self._scheduled is None:
            found = (self._read_scheduled(process) for process in self.processes())
            self._scheduled = tuple(one for one in found if one is not None and one.schedule is not None)
        return self._scheduled

    def _read_scheduled(self, process: str) -> Definition | None:
        """Compiled only where the word stands in its document, since most processes have no schedule."""
        try:
            has = "schedule" in _read(self._folder(process) / PROCESS_FILE)
            return self.newest(process) if has else None
        except SoppaError:
            return None

    def newest(self, process: str) -> Definition:
        """Raises `UsageError` for an unknown process, naming the nearest, and `FaultyInput` for a broken one."""
        if process not in self._compiled:
            self._compiled[process] = self._compile(process)
        return self._compiled[process]

    def pinned(self, process: str, version: int, digest: str) -> Definition:
        """The definition on file, if it is the very one. Raises `WrongEnvironment` when it is not."""
        if process in self._folders:
            found = self.newest(process)
            if (found.version, found.hash) == (version, digest):
                return found
        raise WrongEnvironment(f"version {version} of process '{process}' ({digest[:12]}) is not on file any more: "
                               "put it back, or read it from the database that adopted it")

    def source(self, definition: Definition) -> str:
        """What the store keeps of an adopted definition: its YAML, its mails and the law it was compiled under, so
        that an upgrade of either changes no open case; see `from_source`."""
        folder = self._folder(definition.process)
        kept = {"file": f"{definition.process}/{PROCESS_FILE}", "yaml": _read(folder / PROCESS_FILE),
                "mails": _texts(folder), "law": _law_documents()}
        return json.dumps(kept, ensure_ascii=False, sort_keys=True)

    @cached_property
    def _folders(self) -> Mapping[str, Path]:
        roots = [SHIPPED] if self._overlay is None else [SHIPPED, self._overlay]
        return {path.parent.name: path.parent for root in roots for path in sorted(root.glob(f"*/{PROCESS_FILE}"))}

    def _folder(self, process: str) -> Path:
        if process not in self._folders:
            raise UsageError(f"unknown process '{process}'{nearest(process, self._folders)}")
        return self._folders[process]

    def _compile(self, process: str) -> Definition:
        folder = self._folder(process)
        made = _compiled(_read(folder / PROCESS_FILE), str(folder / PROCESS_FILE), tuple(_texts(folder).items()))
        if made.process != process:
            raise UsageError(f"{folder / PROCESS_FILE}: says process '{made.process}' but stands in the folder "
                             f"'{process}': give both one name")
        return made


def retention(overlay: Path) -> Retention:
    """The shipped terms under a district's own, where that file is there. Raises `FaultyInput`."""
    from engine.model.retention import overlaid, read_retention

    shipped = read_retention(read_yaml(_read(SHIPPED / RETENTION), f"workflows/{RETENTION}"))
    return overlaid(shipped, read_yaml(_read(overlay), str(overlay))) if overlay.is_file() else shipped


@cache
def _compiled(text: str, file: str, texts: tuple[tuple[str, str], ...]) -> Definition:
    """Made once of the same words, however many catalogues a program opens."""
    return compile_source(text, file, dict(texts))


@cache
def from_source(source: str) -> Definition:
    """The definition whose `Catalogue.source` this is. Raises `FaultyInput`."""
    kept = json.loads(source)
    return compile_source(kept["yaml"], kept["file"], kept["mails"], _lawbook(kept["law"]))


def faults_of(catalogue: Catalogue, processes: Iterable[str]) -> FaultyInput | None:
    """The faults of all these processes together, or None."""
    found: list[Fault] = []
    for process in processes:
        try:
            catalogue.newest(process)
        except FaultyInput as error:
            found.extend(error.faults)
    return FaultyInput(found) if found else None


def _law_documents() -> Mapping[str, str]:
    """The text of each shipped document of the law, by its place below this folder."""
    folders = ("rules", "calendars", "references")
    paths = [SHIPPED / LADDERS, *(path for folder in folders for path in (SHIPPED / folder).glob("*.yaml"))]
    return {path.relative_to(SHIPPED).as_posix(): _read(path) for path in sorted(paths)}


def _lawbook(documents: Mapping[str, str]) -> Lawbook:
    from engine.language.lawbook import read_calendar, read_ladders, read_reference, read_rules

    rules: dict[str, Rule] = {}
    calendars: dict[str, Calendar] = {}
    references: dict[str, Reference] = {}
    for place, text in documents.items():
        node = read_yaml(text, f"workflows/{place}")
        if place.startswith("rules/"):
            rules.update(read_rules(node))
        elif place.startswith("calendars/"):
            calendar = read_calendar(node)
            calendars[calendar.id] = calendar
        elif place.startswith("references/"):
            reference = read_reference(node)
            references[reference.name] = reference
    ladders = read_ladders(read_yaml(documents[LADDERS], f"workflows/{LADDERS}"))
    return Lawbook(rules, calendars, ladders, references)


def _texts(folder: Path) -> Mapping[str, str]:
    return {path.name.removesuffix(".md"): _read(path) for path in sorted((folder / "mails").glob("*.md"))}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): check the name and its permissions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}: save the file as UTF-8") from error
