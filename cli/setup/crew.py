"""The people of the sitting: who answers for each role, who stands in, and who is the second person."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cli.identity import login
from cli.people import COLUMNS, EMAIL, faults_of_row
from cli.setup.answers import Cells
from cli.setup.roles import title
from cli.setup.sitting import NONE, Sitting, ask, head, leave_out, put, tell
from engine.nodes import nearest

_PERSON = re.compile(r"(?P<name>[^<>]+?)\s*<(?P<email>[^<>]+)>")
_HOW = "write a name and a mail address, as in Pat Field <pat@example.org>, or the id of somebody named already"


def the_people(sitting: Sitting) -> None:
    head("The people (more of them, and their schools, by soppa people import)")
    tell(f"  {_HOW[:1].upper()}{_HOW[1:]}.")
    tell(f"  For a role without a name the privacy officer stands in; {NONE} leaves it to nobody.")
    for role in sitting.roles:
        _role(sitting, role)
    sitting.answers.people = [cells for cells in sitting.answers.people if cells["roles"]]
    _login(sitting)
    _supervisors(sitting)
    _deputies(sitting)
    _second_person(sitting)


def _role(sitting: Sitting, role: str) -> None:
    officer = _holder(sitting, "privacy")
    known = _holder(sitting, role) or _stand_ins(sitting).get(role, officer)
    while True:
        word = ask(f"{title(role)} ({role})", known)
        person = _named(word, sitting.answers.people) if word else None
        if isinstance(person, str):
            tell(f"  {person}")
        elif role == "privacy" and person is None:
            tell(f"  there is no office without a privacy officer: {_HOW}")
        elif person is not None and person["id"] == officer and role not in person["roles"].split():
            return _give(sitting, role, None, stands_in=officer)
        else:
            return _give(sitting, role, person)


def _give(sitting: Sitting, role: str, person: Cells | None, stands_in: str = "") -> None:
    """The role goes to this one person of the sitting, or to a stand-in, or to nobody."""
    for cells in sitting.answers.people:
        cells["roles"] = " ".join(word for word in cells["roles"].split() if word != role)
    if person is not None:
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


def _holder(sitting: Sitting, role: str) -> str:
    return next((cells["id"] for cells in sitting.answers.people if role in cells["roles"].split()), "")


def _stand_ins(sitting: Sitting) -> dict[str, str]:
    known = sitting.answers.settings.get("stand_ins")
    return {role: str(person) for role, person in known.items()} if isinstance(known, Mapping) else {}
