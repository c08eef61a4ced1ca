"""The people of the sitting: who answers for each role, who stands in, and who is the second person."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cli.identity import login
from cli.setup.answers import Cells
from cli.setup.roles import title
from cli.setup.sitting import NONE, Sitting, ask, head, leave_out, put, tell
from cli.staff.people import COLUMNS, EMAIL, faults_of_row
from engine.nodes import nearest

_PERSON = re.compile(r"(?P<name>[^<>]+?)\s*<(?P<email>[^<>]+)>")
_HOW = "write a name and a mail address, as in Pat Field <pat@example.org>, or the id of somebody named already"


def the_people(sitting: Sitting) -> None:
    head("The people (more of them, and their schools, by soppa people import)")
    tell(f"  {_HOW[:1].upper()}{_HOW[1:]}. Several are parted by ;")
    tell(f"  For a role without a name the privacy officer stands in; {NONE} leaves it to nobody.")
    for role in sitting.roles:
        _role(sitting, role)
    sitting.answers.people = [cells for cells in sitting.answers.people if cells["roles"]]
    _login(sitting)
    _supervisors(sitting)
    _deputies(sitting)
    _second_person(sitting)


def _role(sitting: Sitting, role: str) -> None:
    officer = "; ".join(_holders(sitting, "privacy")[:1])
    head = "; ".join(_holders(sitting, "superintendent")[:1])
    # The superintendent confirms what the officer begins, and decides where there is no chief executive.
    usual = {"superintendent": "", "ceo": head}.get(role, officer)
    known = "; ".join(_holders(sitting, role)) or _stand_ins(sitting).get(role, usual)
    while True:
        typed = [word.strip() for word in ask(f"{title(role)} ({role})", known).split(";") if word.strip()]
        found, wrong = _all_named(typed, sitting.answers.people)
        for sentence in wrong:
            tell(f"  {sentence}")
        if wrong:
            continue
        if role == "privacy" and not found:
            tell(f"  there is no office without a privacy officer: {_HOW}")
        elif typed == [officer] and officer not in _holders(sitting, role):
            return _give(sitting, role, [], stands_in=officer)
        else:
            return _give(sitting, role, found)


def _give(sitting: Sitting, role: str, people: list[Cells], stands_in: str = "") -> None:
    """The role goes to these people, or to a stand-in, or to nobody."""
    for cells in sitting.answers.people:
        cells["roles"] = " ".join(word for word in cells["roles"].split() if word != role)
    for person in people:
        person["roles"] = f"{person['roles']} {role}".strip()
        if person not in sitting.answers.people:
            sitting.answers.people.append(person)
    rest = {name: one for name, one in _stand_ins(sitting).items() if name != role}
    if stands_in:
        rest[role] = stands_in
    if rest:
        put(sitting, "stand_ins", rest)
    else:
        leave_out(sitting, "stand_ins")


def _all_named(words: list[str], people: list[Cells]) -> tuple[list[Cells], list[str]]:
    """Those who were typed, each once, and what is wrong with the others."""
    found: list[Cells] = []
    wrong: list[str] = []
    for word in words:
        person = _named(word, [*people, *(one for one in found if one not in people)])
        if isinstance(person, str):
            wrong.append(person)
        elif person not in found:
            found.append(person)
    return found, wrong


def _named(word: str, people: list[Cells]) -> Cells | str:
    """The person that was typed, somebody known or somebody new; or what is wrong with it."""
    known = {cells["id"]: cells for cells in people} | {cells["name"]: cells for cells in people}
    if word in known:
        return known[word]
    found = _PERSON.fullmatch(word)
    if found is None:
        return f"'{word}' is nobody named already{nearest(word, known) if known else ''}: {_HOW}"
    email = found["email"].strip()
    same = next((cells for cells in people if cells["email"].lower() == email.lower()), None)
    if same is not None:
        return same
    cells = dict.fromkeys(COLUMNS, "") | {"name": found["name"], "email": email, "id": _new_id(email, people)}
    wrong = list(faults_of_row(cells)) if EMAIL.fullmatch(email) else [f"'{email}' is not a mail address"]
    return "; ".join(wrong) if wrong else cells


def _new_id(email: str, people: list[Cells]) -> str:
    """The part before the @, in the letters that an id may have; numbered where it is taken."""
    plain = re.sub(r"[^a-z0-9._-]", "", email.partition("@")[0].lower()).lstrip("0123456789._-")[:60] or "person"
    taken = {cells["id"] for cells in people}
    return next(name for name in (plain, *(f"{plain}{n}" for n in range(2, 1000))) if name not in taken)


def _login(sitting: Sitting) -> None:
    officer = next(cells for cells in sitting.answers.people if "privacy" in cells["roles"].split())
    officer["login"] = ask(f"Login of {officer['name']} on this server", officer["login"] or login())
    sitting.keep(sitting.answers)


def _supervisors(sitting: Sitting) -> None:
    """Until somebody says otherwise, everybody's is the superintendent."""
    top = _holder(sitting, "superintendent")
    for cells in sitting.answers.people:
        if cells["id"] != top and not cells["supervisor"]:
            cells["supervisor"] = top


def _deputies(sitting: Sitting) -> None:
    people = {cells["id"]: cells for cells in sitting.answers.people}
    if len(people) < 2:
        return
    tell("  Who does the work of somebody away? (an id; Enter or -: nobody)")
    officer, custodian = _holder(sitting, "privacy"), _holder(sitting, "custodian")
    usual = {officer: custodian, custodian: officer} if officer != custodian else {}
    for person_id, cells in people.items():
        while True:
            word = ask(f"Deputy of {cells['name']}", cells["deputy"] or usual.get(person_id, ""))
            if not word or (word in people and word != person_id):
                break
            tell(f"  '{word}' is nobody else here{nearest(word, people.keys() - {person_id})}")
        cells["deputy"] = word
        sitting.keep(sitting.answers)


def _second_person(sitting: Sitting) -> None:
    people = {cells["id"] for cells in sitting.answers.people}
    tell("  Five acts take two people, such as the release of breach letters and a change of roles.")
    while True:
        usual = sitting.answers.settings.get("second_person") or _holder(sitting, "superintendent")
        word = ask("Second person", str(usual or ""))
        if not word:
            return leave_out(sitting, "second_person")
        if word in people:
            put(sitting, "second_person", word)
            return None
        tell(f"  '{word}' is nobody here{nearest(word, people)}")


def _holders(sitting: Sitting, role: str) -> list[str]:
    return [cells["id"] for cells in sitting.answers.people if role in cells["roles"].split()]


def _holder(sitting: Sitting, role: str) -> str:
    return next(iter(_holders(sitting, role)), "")


def _stand_ins(sitting: Sitting) -> dict[str, str]:
    known = sitting.answers.settings.get("stand_ins")
    return {role: str(person) for role, person in known.items()} if isinstance(known, Mapping) else {}
