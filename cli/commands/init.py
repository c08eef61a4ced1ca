"""`soppa init`: makes the home of a district."""

from __future__ import annotations

import click

from cli.home import Home, make_home, write_private
from cli.options import home_option, json_option
from cli.printing import print_json, say
from engine.errors import FaultyInput, UsageError

SETTINGS = """\
# The settings of the district. Unknown keys are refused; docs/operating.md names them all.
district: {district}
zone: {zone}
fiscal_year_start: 07-01
languages: [en, es]

# Where people reach the pages (links in mails begin with this), and where the program listens.
public_url: {public_url}
bind: 127.0.0.1:8080

# Where mail is handed over. Without it mails wait in the outbox.
# relay: {{host: mail.example.org, port: 587, tls: starttls, sender: privacy@example.org,
#         username: soppa, password_file: keys/relay-password}}

# The days of student attendance, for rules that count school days.
# attendance: {{from: 2026-08-17, to: 2027-05-28, closed: [2026-09-07, 2026-12-21..2027-01-04]}}

# contacts:
#   privacy: {{name: Privacy office, email: privacy@example.org, phone: 555-0100}}

# Who else must agree to the acts that need two people (a person's id; see soppa people).
# second_person: superintendent
"""


@click.command(epilog="Example: soppa init --home /srv/soppa --district 'Prairie Creek USD 99'")
@click.option("--district", default="Unnamed district", show_default=True, help="Its name, as it stands in mails.")
@click.option("--zone", default="America/Chicago", show_default=True, help="The zone of its local dates.")
@click.option("--public-url", default="http://localhost:8080", show_default=True, help="Address of the pages.")
@home_option
@json_option
def command(district: str, zone: str, public_url: str, home: Home, as_json: bool) -> None:
    """Make a home: settings, key ring, documents folder and an empty database."""
    from cli.wiring import open_house

    given = {"district": district, "zone": zone, "public-url": public_url}
    settings = SETTINGS.format(**{name.replace("-", "_"): quoted(word, name) for name, word in given.items()})
    check_words(settings, home)
    build_home(home, settings)
    with open_house(home, create=True):
        pass
    if as_json:
        print_json({"home": str(home.root), "settings": str(home.settings), "ring": str(home.ring)})
        return
    say(f"made {home.root}")
    say(f"The key ring {home.ring} opens the personal data in the database. Back it up now, apart from the data:")
    say("without it the data is lost, and with both a thief needs nothing else. This is said only once.")
    say(f"next: edit {home.settings}, then soppa people import FILE.csv --home {home.root}")


def build_home(home: Home, settings: str) -> None:
    """Writes the folders, settings and a new key ring. Raises `UsageError` where a home is already."""
    from storage.sealing import new_ring, write_ring

    make_home(home)
    write_private(home.ring, write_ring(new_ring()))
    write_private(home.settings, settings.encode())


def check_words(settings: str, home: Home) -> None:
    """Refuses words that would make no settings, before anything is made. Raises `UsageError` naming their options."""
    from cli.settings import check_text

    try:
        check_text(settings, home.settings)
    except FaultyInput as error:
        wrong = [fault.message.partition(":") for fault in error.faults]
        said = [f"--{key.replace('_', '-')}{colon}{rest}" for key, colon, rest in wrong]
        raise UsageError("\n".join(said)) from error


def quoted(text: str, option: str) -> str:
    """A text as a YAML scalar. Raises `UsageError` for nothing and for control characters."""
    if not text.isprintable() or not text.strip():
        raise UsageError(f"--{option} holds {'control characters' if text.strip() else 'nothing'}: type it again")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
