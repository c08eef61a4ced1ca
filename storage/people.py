"""The people of the office, and their authenticators' secrets."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from engine.errors import UsageError
from engine.nodes import nearest
from engine.office import Person
from storage.rows import person_row
from storage.sealing import Ring
from storage.statements import put
from storage.tables import PEOPLE


def save(connection: Connection, person: Person) -> None:
    taken = select(PEOPLE.c.id).where((PEOPLE.c.login == person.login) & (PEOPLE.c.id != person.id))
    other = connection.scalar(taken) if person.login else None
    if other is not None:
        raise UsageError(f"the login '{person.login}' belongs to {other} already: give {person.id} another one")
    put(connection, PEOPLE, person_row(person))


def set_totp(connection: Connection, ring: Ring, person_id: str, secret: str | None) -> None:
    sealed = ring.seal(secret.encode(), totp_place(person_id)) if secret else None
    changed = update(PEOPLE).where(PEOPLE.c.id == person_id).values(totp=sealed, totp_counter=None)
    if connection.execute(changed).rowcount != 1:
        raise UsageError(
            f"unknown person '{person_id}'{nearest(person_id, connection.scalars(select(PEOPLE.c.id)).all())}"
        )


def totp_place(person_id: str) -> str:
    return f"people/{person_id}/totp"
