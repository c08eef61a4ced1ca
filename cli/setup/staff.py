"""The office itself: people, their roles and deputies, the second person, calendar, register, texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.commands.check import check_thresholds, own_requests, unheld_roles, unsigned
from cli.printing import day
from cli.setup.finding import Finding, edit, missing, note, ready
from cli.setup.roles import needed, title
from cli.staff.acts import named_second
from cli.wiring import House
from engine.errors import FaultySettings, UsageError
from engine.language.mailtexts import unreviewed
from engine.law.calendar import months_after, school_year_name, years_to_load
from engine.model.office import Office

if TYPE_CHECKING:
    from engine.model.definition import Definition


def look_at_people(house: House) -> Iterator[Finding]:
    """Somebody who may act at the terminal, and whether the work of those who are away falls to somebody."""
    office = _office(house)
    if not office.people:
        yield missing("people", "nobody works here yet", "soppa people import FILE --apply")
        return
    officers = [person for person in office.people.values() if person.active and "privacy" in person.roles]
    for person in officers:
        if person.login is None:
            yield missing("people", f"{person.name} has no login here, so no command is theirs",
                          f"soppa people set {person.id} --login NAME")
        if person.deputy is None:
            yield missing("people", f"nobody does the privacy officer's work while {person.name} is away",
                          f"soppa people set {person.id} --deputy ID")
    needs = needed(_definitions(house))
    others = (person for person in office.people.values() if person.active and person not in officers)
    alone = sorted(person.id for person in others if person.deputy is None and person.roles & needs.keys())
    if alone:
        yield note("deputies", f"without a deputy, so that their work falls to a stand-in or the privacy officer while "
                               f"they are away: {', '.join(alone)}", f"soppa people set {alone[0]} --deputy ID")
    yield ready("people", f"{sum(person.active for person in office.people.values())} work here")


def look_at_roles(house: House) -> Iterator[Finding]:
    office, definitions = _office(house), _definitions(house)
    if not office.people:
        return
    needs = needed(definitions)
    unheld = {role for definition in definitions for role in unheld_roles(definition, office)}
    for role in (role for role in needs if role in unheld):
        where = ", ".join(needs[role][:2]) + (" …" if len(needs[role]) > 2 else "")
        yield missing("roles", f"nobody is {title(role)} ({role}) or stands in, as {where} needs",
                      f"soppa people set ID --role {role}")
    wanting = [gap for definition in definitions for gap in unsigned(definition, office)]
    yield from (missing("roles", gap, "soppa people set ID --role ROLE") for gap in wanting)
    own = [gap for definition in definitions for gap in own_requests(definition, office)]
    yield from (note("roles", gap, edit(house.home.settings)) for gap in own)
    if not unheld and not wanting:
        yield ready("roles", f"each of the {len(needs)} roles that tasks are for has somebody")


def look_at_thresholds(house: House) -> Iterator[Finding]:
    try:
        check_thresholds(_office(house), _definitions(house))
    except FaultySettings:
        raise
    except UsageError as error:
        yield missing("settings", str(error), edit(house.home.settings))


def look_at_second_person(house: House) -> Iterator[Finding]:
    office = _office(house)
    if not office.people:
        return
    second = named_second(office)
    if second is None:
        yield missing("second", "no second person can confirm the acts that take two people",
                      edit(house.home.settings))
    elif house.store.links.totp_secret(second.id) is None:
        yield missing("second", f"{second.name}, the second person, has no authenticator yet and could confirm nothing",
                      f"soppa people totp {second.id}")
    else:
        yield ready("second", f"{second.name} confirms the acts that take two people")


def look_at_calendar(house: House) -> Iterator[Finding]:
    office = _office(house)
    school = office.calendars.school
    wanted = years_to_load(school, office.today(house.clock()))
    for year in wanted:
        yield missing("calendar", f"the days of attendance of {school_year_name(year)} are not known: dates in school "
                                  f"days are provisional", "soppa calendar import FILE --apply")
    if school.last is not None and not wanted:
        yield ready("calendar", f"days of attendance are known until {day(school.last)}")


def look_at_register(house: House) -> Iterator[Finding]:
    known = len(house.store.register.labels())
    if known:
        yield ready("register", f"it has {known} active {'agreement' if known == 1 else 'agreements'}")
    else:
        yield missing("register", "it has no active agreement: nothing about operators starts by itself",
                      "soppa register import FILE.csv --apply")


def look_at_references(house: House) -> Iterator[Finding]:
    """As old as the strictest process allows."""
    office, today = _office(house), _office(house).today(house.clock())
    for name, months in _wanted_fresh(_definitions(house)).items():
        reference = office.references[name]
        if today > months_after(reference.as_of, months):
            yield missing("references", f"{name} were looked up on {day(reference.as_of)}, more than {months} months "
                                        f"ago: no letter with them is approved",
                          f"soppa references confirm {name} --on {today}")
        else:
            yield ready("references", f"{name} were looked up on {day(reference.as_of)}")


def look_at_translations(house: House) -> Iterator[Finding]:
    """Only in the languages of this office; English is the author's own."""
    names = [f"{definition.process}.{name}" for definition in _definitions(house) for name in unreviewed(definition)
             if name.rpartition(".")[2] in house.settings.languages]
    if names:
        mails = "mail waits" if len(names) == 1 else "mails wait"
        yield note("texts", f"{len(names)} translated {mails} for a reviewer, such as {names[0]}", "soppa check")
    else:
        yield ready("texts", "no mail in this office's languages waits for a reviewer")


def _wanted_fresh(definitions: list[Definition]) -> dict[str, int]:
    found: dict[str, int] = {}
    for definition in definitions:
        for state in definition.states.values():
            for requirement in (one for task in state.tasks for outcome in task.outcomes.values()
                                for one in outcome.requires):
                if requirement.fresh is not None:
                    found[requirement.fresh] = min(requirement.months, found.get(requirement.fresh, requirement.months))
    return found


def _office(house: House) -> Office:
    return house.make_office(house.store.people())


def _definitions(house: House) -> list[Definition]:
    return [house.definitions.newest(process) for process in house.definitions.processes()]
