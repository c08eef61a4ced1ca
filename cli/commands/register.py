"""`soppa register`: the operators, their products and the agreements for them.

The list starts light; what only the other commands need stands in `cli.inventory` and `cli.entries`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cli.home import Home, check_home
from cli.options import Commands, as_option, home_option, json_option
from cli.printing import print_json, say, table
from cli.settings import read_settings
from cli.viewers import viewer
from engine.errors import UsageError
from engine.nodes import nearest
from registry.fields import LISTINGS, MESSAGING, STATUSES
from storage.looking.register_list import Listed, listed, names_of, one_a_product


@click.group(cls=Commands, epilog="Example: soppa register import inventory.csv")
def command() -> None:
    """Operators, products and agreements: import, list, show, export."""


@command.command("import", epilog="Example: soppa register import inventory.csv --apply --accept OP-0191")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--apply", "apply_", is_flag=True, help="Write what is sound; without this it is only shown.")
@click.option("--accept", "accepted", multiple=True, metavar="ROW",
              help="Take this row although it is doubtful; its operator_id, once for each.")
@click.option("--yes", is_flag=True, help="Also where more than a fifth of the known rows would change.")
@click.option("--as-of", metavar="DATE", default=None, help="The day on which the rows are judged; today without it.")
@as_option
@home_option
@json_option
def import_(file: Path, apply_: bool, accepted: tuple[str, ...], yes: bool, as_of: str | None, as_login: str | None,
            home: Home, as_json: bool) -> None:
    """Take an inventory from a CSV FILE: what is wrong with it, and what it would change.

    Warnings are imported all the same, doubts once their row is accepted, faults never.
    """
    from cli.inventory import Wish, import_inventory

    import_inventory(home, file, Wish(apply_, accepted, yes, as_of, as_login), as_json)


@command.command("list", epilog="Example: soppa register list --status under_review")
@click.option("--product", help="Part of a product's name, or its id.")
@click.option("--operator", help="Part of an operator's name, or its id.")
@click.option("--status", help="Of the agreement (active, superseded, ended), or what the approved list says.")
@click.option("--messaging", type=click.Choice(list(MESSAGING)),
              help="What the audit of messaging platforms says; approved is the list of acceptable platforms.")
@click.option("--sponsor", help="Mail address or id of the person who asked for it.")
@as_option
@home_option
@json_option
def list_(product: str | None, operator: str | None, status: str | None, messaging: str | None, sponsor: str | None,
          as_login: str | None, home: Home, as_json: bool) -> None:
    """List the products, each with its agreement."""
    if status is not None and status not in (*STATUSES, *LISTINGS):
        raise UsageError(f"--status: '{status}' is unknown{nearest(status, (*STATUSES, *LISTINGS))}")
    check_home(home)
    settings = read_settings(home.settings)
    database = settings.database or home.database
    viewer(settings, database, as_login, needed=False)
    rows = listed(database)
    rows = rows if status in STATUSES else one_a_product(rows)
    rows = [row for row in rows if _is_like(product, row.product, row.product_id)
            and _is_like(operator, row.operator, row.operator_id) and status in (None, row.status, row.listing)
            and messaging in (None, row.messaging)]
    if sponsor is not None:
        rows = _of_sponsor(home, rows, names_of(database, sponsor))
    if as_json:
        print_json([_row_mapping(row) for row in rows])
    elif not rows:
        asked = product or operator or status or messaging or sponsor
        say("nothing fits" if asked else "nothing is in the register")
    else:
        table(["product", "", "operator", "listing", "agreement", "signed", "expires"], [
            [row.product_id, row.product, row.operator, LISTINGS[row.listing],
             f"{row.agreement} {row.status}" if row.agreement else "–", str(row.signed_on or "–"),
             str(row.expires_on or "–")] for row in rows])


@command.command(epilog="Example: soppa register show A-0001")
@click.argument("entry", metavar="ID")
@click.option("--verify", is_flag=True, help="Also hold the chains of its history against what stands there.")
@as_option
@home_option
@json_option
def show(entry: str, verify: bool, as_login: str | None, home: Home, as_json: bool) -> None:
    """Show an agreement (A-0001), a product (P-0001) or an operator (O-0001), and what happened to it."""
    from cli.entries import show_entry

    show_entry(home, entry, as_login, verify=verify, as_json=as_json)


@command.command(epilog="Example: soppa register export --out inventory.csv")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=None,
              help="A new file; without it the terminal.")
@as_option
@home_option
@json_option
def export(out: Path | None, as_login: str | None, home: Home, as_json: bool) -> None:
    """Write the register as a CSV file that it can be imported from again."""
    from cli.entries import export_register

    export_register(home, out, as_login, as_json=as_json)


def _row_mapping(row: Listed) -> Mapping[str, object]:
    return {"product": row.product_id, "name": row.product, "operator": row.operator_id, "operator_name": row.operator,
            "listing": row.listing, "agreement": row.agreement, "type": row.type, "status": row.status,
            "signed_on": row.signed_on, "posted_on": row.posted_on, "expires_on": row.expires_on,
            "last_attested_on": row.last_attested_on, "messaging": row.messaging}


def _is_like(wanted: str | None, name: str, own_id: str) -> bool:
    return wanted is None or wanted == own_id or wanted.casefold() in name.casefold()


def _of_sponsor(home: Home, rows: Sequence[Listed], names: set[str]) -> list[Listed]:
    """The rows of one sponsor, whose address is sealed."""
    from storage.sealing import read_ring

    ring = read_ring(home.ring.read_bytes())
    opened = [(row, ring.open_json(row.sealed, f"products/{row.product_id}")) for row in rows]
    return [row for row, sealed in opened if isinstance(sealed, dict) and sealed.get("sponsor") in names]
