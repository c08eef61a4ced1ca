"""The names that a definition declares, and the look-ups that write a fault where a name is unknown.

A `Scope` lives for one compilation. It also remembers which names were used, so that what nobody uses is a fault too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from engine import nodes
from engine.language.guard_parser import GuardError, compile_guard
from engine.law.clocks import Rule
from engine.law.ladders import Ladder
from engine.model.definition import Who, Words, began, complete, ended, entered, expired, told
from engine.model.guards import FactType, Guard, reads
from engine.model.register import Fields
from engine.model.roles import ROLES as ROLES
from engine.nodes import Faults, MapNode, Node, Scalar, closest, nearest

SECTIONS = ("facts", "parties", "states", "clocks", "mails", "children", "audiences", "registers")
_WORD = re.compile(r"[A-Za-z_]\w*")
_LANGUAGE = re.compile(r"[a-z]{2}")


@dataclass(slots=True)
class Scope:
    """`answers` holds every `task.outcome`; `used` every name seen outside its own declaration, as `section.name`.

    `region` is that of the states being read: its own states are meant before those of the case."""

    faults: Faults
    rules: Mapping[str, Rule]
    ladders: Mapping[str, Ladder]
    texts: Mapping[str, str]
    declared: Mapping[str, Mapping[str, Scalar]]
    types: dict[str, FactType] = field(default_factory=dict)
    personal: set[str] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)
    answers: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)
    region: str = ""
    decided: frozenset[str] = frozenset()
    references: Mapping[str, Collection[str]] = field(default_factory=dict)
    to_many: frozenset[str] = frozenset()
    register: Fields = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)

    def typed(self, node: Node | None, what: str) -> str | None:
        """A fact that somebody types or an answer sets: not one that follows from a decision table, or that the
        register gives. `given` says of these why nobody types them."""
        name = self.name("facts", node, what)
        if name in self.decided and node is not None:
            self.faults.add(node, f"{what}: fact '{name}' follows from its decision table: nobody types it")
        if name is not None and name in self.given and node is not None:
            self.faults.add(node, f"{what}: fact '{name}' {self.given[name]}: nobody types it")
        return name

    def target(self, node: Node | None) -> str | None:
        """A state to go to: of a region its own states only, and in a state outside regions none of theirs."""
        value = nodes.text(node, self.faults, "a target")
        if value is None or node is None:
            return None
        inside = f"{self.region}." if self.region else ""
        states = self.declared["states"]
        known = [name.removeprefix(inside) for name in states if name.rpartition(".")[0] == self.region]
        if value in known:
            self.used.add(f"states.{inside}{value}")
            return inside + value
        where = f"region '{self.region}'" if self.region else "states"
        self.faults.add(node, f"a target: there is no '{value}' in {where}{nearest(value, known)}")
        meant = closest(value, known)
        return None if meant is None else inside + meant

    def name(self, section: str, node: Node | None, what: str) -> str | None:
        """A name declared in `section`; anything else is a fault with the nearest known name."""
        value = nodes.text(node, self.faults, what)
        if value is None or node is None:
            return None
        known = self.declared[section]
        if value not in known:
            self.faults.add(node, f"{what}: there is no '{value}' in {section}{nearest(value, known)}")
            self.used.add(f"{section}.{closest(value, known)}")
            return None
        self.used.add(f"{section}.{value}")
        return value

    def names(self, section: str, node: Node | None, what: str) -> tuple[str, ...]:
        if isinstance(node, Scalar):  # one name where a list belongs: the fault is told, and the name is used
            self.used.add(f"{section}.{node.text}")
        found = (self.name(section, item, what) for item in nodes.items(node, self.faults, what))
        return tuple(name for name in found if name is not None)

    def fact_of(self, node: Node | None, kinds: Iterable[str], what: str) -> str | None:
        """A fact of one of the `kinds`."""
        name = self.name("facts", node, what)
        if name is None or node is None or name not in self.types:
            return name
        wanted = tuple(kinds)
        if self.types[name].kind not in wanted:
            self.faults.add(
                node, f"{what}: fact '{name}' is a {self.types[name].kind}, but must be a {' or '.join(wanted)}"
            )
            return None
        return name

    def ladder(self, node: Node | None) -> Ladder | None:
        """A ladder of the law that is in force."""
        name = nodes.text(node, self.faults, "ladder")
        if name is None or node is None:
            return None
        if name not in self.ladders:
            self.faults.add(node, f"unknown ladder '{name}'{nearest(name, self.ladders)}")
        return self.ladders.get(name)

    def guard(self, node: Node | None) -> Guard | None:
        """A compiled guard; a faulty one is written down with the place where it stands."""
        source = nodes.text(node, self.faults, "a guard")
        if source is None or node is None:
            return None
        try:
            guard = compile_guard(source, self.types, self.places)
        except GuardError as error:
            shift = error.column - 1 + (isinstance(node, Scalar) and node.quoted)
            self.faults.add(replace(node.mark, column=node.mark.column + shift), f"guard: {error}")
            self.used.update(f"facts.{closest(word, self.types)}" for word in _WORD.findall(source))
            return None
        self.used.update(f"facts.{name}" for name in reads(guard))
        return guard

    @property
    def places(self) -> tuple[str, ...]:
        """What `at` may ask about: the states of regions."""
        return tuple(name for name in self.declared["states"] if "." in name)

    def event(self, node: Node) -> str | None:
        """The event that a text names: `told.MAIL`, `entered.STATE`, `expired.CLOCK`, `ended.CHILD`, `TASK.OUTCOME`, or
        the bare name of a mail (told) or of a state (entered)."""
        value = nodes.text(node, self.faults, "an event")
        if value is None:
            return None
        known = self._events()
        bare = [event for event in (told(value), entered(value)) if event in known]
        if value in known:
            return self._seen(value)
        if len(bare) == 2:
            self.faults.add(node, f"'{value}' is a mail and a state: write {bare[0]} or {bare[1]}")
            return None
        if not bare:
            names = [event.partition(".")[2] if event.startswith(("told.", "entered.")) else event for event in known]
            close = nearest(value, known if "." in value else names)
            self.faults.add(node, f"nothing named '{value}' can happen{close}")
            return None
        return self._seen(bare[0])

    def events(self, node: Node | None, what: str) -> tuple[str, ...]:
        found = (self.event(item) for item in nodes.items(node, self.faults, what))
        return tuple(event for event in found if event is not None)

    def words(self, node: Node | None, what: str) -> Words:
        """A text, or the same text by language; `en` must be there."""
        if isinstance(node, MapNode):
            found = {
                key.text: nodes.text(value, self.faults, what) or "" for key, value in nodes.named(node, self.faults)
            }
            for key, _ in node.entries:
                if not _LANGUAGE.fullmatch(key.text):
                    self.faults.add(key, f"{what}: '{key.text}' is no language: use codes such as en or es")
            if "en" not in found:
                self.faults.add(node, f"{what} has no English text: add en")
            return {"en": "", **found}
        value = nodes.text(node, self.faults, what)
        return {} if value is None else {"en": value}

    def unused(self, section: str) -> Iterable[Scalar]:
        return (key for name, key in self.declared[section].items() if f"{section}.{name}" not in self.used)

    def _seen(self, event: str) -> str:
        kind, _, name = event.partition(".")
        section = {"expired": "clocks", "ended": "children"}.get(kind)
        if section:
            self.used.add(f"{section}.{name}")
        return event

    def _events(self) -> frozenset[str]:
        return (
            frozenset(map(told, self.declared["mails"]))
            | frozenset(event(mail) for mail in self.to_many for event in (began, complete))
            | frozenset(map(entered, self.declared["states"]))
            | frozenset(map(expired, self.declared["clocks"]))
            | frozenset(map(ended, self.declared["children"]))
            | self.answers
        )


def word(top: Mapping[str, Node], key: str, scope: Scope) -> str:
    return nodes.text(top.get(key), scope.faults, key) or ""


def who(top: Mapping[str, Node], node: Node, scope: Scope, what: str) -> Who:
    """One of `role`, `person` (a person fact) and `party`."""
    given = [key for key in ("role", "person", "party") if key in top]
    if len(given) != 1:
        scope.faults.add(node, f"{what} needs exactly one of role, person and party")
        return Who("role", "privacy")
    key = given[0]
    if key == "role":
        return Who("role", nodes.choice(top[key], scope.faults, ROLES, "role") or "privacy")
    if key == "person":
        return Who("person", scope.fact_of(top[key], ("person",), "person") or "")
    return Who("party", scope.name("parties", top[key], "party") or "")


def reader(node: Node | None, scope: Scope, what: str) -> Who:
    """A party, a role, an audience, or a person fact, told apart by name."""
    name = nodes.text(node, scope.faults, what)
    if name is None or node is None:
        return Who("role", "privacy")
    if name in scope.declared["parties"]:
        scope.used.add(f"parties.{name}")
        return Who("party", name)
    if name in scope.declared["audiences"]:
        scope.used.add(f"audiences.{name}")
        return Who("audience", name)
    if name in scope.declared["facts"]:
        return Who("person", scope.fact_of(node, ("person",), what) or "")
    if name not in ROLES:
        known = [*ROLES, *scope.declared["parties"]]
        scope.faults.add(node, f"{what}: '{name}' is no role, party or person fact{nearest(name, known)}")
    return Who("role", name)
