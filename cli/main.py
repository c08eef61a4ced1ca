"""The door: finds the command, and turns every error into one sentence and an exit code.

Exit codes: 0 done · 1 refused · 2 the call makes no sense · 78 the environment is wrong.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cli.options import Commands
from cli.sections import sections
from engine.errors import SoppaError, WrongEnvironment

# What is left at the end is not searched for garbage, which would be a tenth of a short command.
atexit.register(gc.freeze)

COMMANDS = {
    "setup": "Ask what an office must say of itself, and make its home.",
    "doctor": "What is missing before you go live.",
    "init": "Make a home for a district: settings, key, database.",
    "check": "Prove the processes, or show the shortest story that breaks one.",
    "serve": "Run the pages and the daemon in one process.",
    "worker": "Run the daemon without pages.",
    "demo": "Show the main job on sample data, with real mail.",
    "diagram": "Draw a process, or where a case stands in it.",
    "migrate": "Move open cases to the newest version of their process.",
    "migrate-to-postgres": "Move the database from its file to PostgreSQL.",
    "new-process": "Write a process to begin with.",
    "year": "Play a year of a sample district; nothing is kept.",
    "start": "Start a case.",
    "adopt": "Take in cases that have run elsewhere.",
    "queue": "What waits for whom, legal deadlines first.",
    "work": "The queue on the whole screen: read, answer, move on.",
    "show": "One case: facts, clocks, open tasks.",
    "do": "Answer a task.",
    "undo": "Take your last answer in a case back, while no mail of it has left.",
    "note": "Add a note to the history of a case, such as a telephone call.",
    "nudge": "Ask once more whoever a task waits for.",
    "snooze": "Keep a task out of your own queue until a day.",
    "record": "Record or correct a fact of a case.",
    "hold": "Law-enforcement holds: place, release, list.",
    "reassign": "Give a task to another person.",
    "acts": "What waits for a second person: list, confirm.",
    "document": "Take a kept document out of a case.",
    "explain": "How each date of a case was counted.",
    "history": "What happened in a case, line by line.",
    "evidence": "What a case proves, as one file that can be checked alone.",
    "deadline": "Count a deadline under a rule, step by step.",
    "simulate": "What would fire when, and to whom; nothing is stored.",
    "rules": "The rules of the law that soppa knows.",
    "references": "Agencies' addresses and the like: list, confirm.",
    "register": "Operators, products, agreements: import, list, show, export.",
    "report": "Deadlines met and missed: year, posting, requests.",
    "schedule": "What starts by itself, and when.",
    "audience": "Who is told of a breach: import, show, address, decide.",
    "letters": "Letters to many on paper: print, runs, posted.",
    "calendar": "Days of school attendance: import, show.",
    "people": "The people of the office: import, set, absence, leave, gaps …",
    "mail": "Mails: test, preview, outbox, retry, settle, bounced.",
    "incidents": "What failed five times: list, retry.",
    "status": "Whether all is well, as monitors read it.",
    "alarm": "Tell that a unit of systemd has failed.",
    "upgrade": "Bring a home to this version of soppa.",
    "keys": "Keys of the ring: list, new, rotate, retire.",
    "backup": "Make an encrypted backup; its key; list, accept.",
    "restore": "Bring a backup back, or check that it could be.",
    "retention": "How long each kind of personal data is kept, and what is due.",
    "purge": "Remove what need not be kept: preview, begin, run, certificate.",
    "preservation": "Keep cases from every purge: place, release, list.",
    "verify": "Whether histories, dates, mails and documents are whole.",
    "clock": "Accept the machine's clock after it ran wrong.",
}

_FULL = "a disk is full: make room (df -h names it); what was not committed did not happen"
_PLAINER = (
    (re.compile(r"is not a valid integer( range)?"), "is no whole number"),
    (re.compile(r"is not in the range (\d+)<=x<=(\d+)"), r"is not between \1 and \2"),
    (re.compile(r"Got unexpected extra arguments? \((.*)\)"), r"there is no place for '\1'"),
)
"""Sentences of click that a person need not know to read."""


class LazyGroup(Commands):
    """Loads a command's module when the command is called; `--help` reads the table above and loads nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"cli.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands of the table, without loading one, and our own options."""
        named = [CompletionItem(name, help=says) for name, says in COMMANDS.items() if name.startswith(incomplete)]
        return [*named, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, COMMANDS))
        for title, names in sections(COMMANDS):
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", COMMANDS[name]) for name in names])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
             epilog="Begin with: soppa demo   or: soppa setup --home DIR")
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Folder of the district (or SOPPA_HOME).")
@click.version_option(package_name="soppa", message="%(package)s %(version)s")
@click.pass_context
def app(ctx: click.Context, home: Path | None) -> None:
    """Deadlines of student privacy: counted under the statute, chased, and proved afterwards."""
    ctx.obj = home


def main(args: Sequence[str] | None = None) -> int:
    """Runs one command and gives its exit code. The only place where errors become sentences and codes."""
    try:
        result = app.main(args=args, prog_name="soppa", standalone_mode=False)
    except SoppaError as error:
        return _say(str(error), error.exit_code)
    except click.Abort:
        return _say("stopped; nothing more was done", 1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        return _say(f"{_sentence(error)}{_hint(error)}", 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _say(_FULL, WrongEnvironment.exit_code) if error.errno in (errno.ENOSPC, errno.EDQUOT) else _bug(error)
    except Exception as error:
        return _bug(error)
    return result if isinstance(result, int) else 0


def _say(message: str, code: int) -> int:
    for line in message.splitlines() or [""]:
        click.echo(f"soppa: {line}", err=True)
    return code


def _sentence(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split()).rstrip(".")
    for theirs, ours in _PLAINER:
        text = theirs.sub(ours, text)
    return text[:1].lower() + text[1:]


def _hint(error: click.ClickException) -> str:
    ctx = getattr(error, "ctx", None)
    return f": see {ctx.command_path} --help" if ctx is not None else ": see soppa --help"


def _bug(error: Exception) -> int:
    """An error nobody foresaw: its kind and place, never its text, which could hold a child's data."""
    if os.environ.get("SOPPA_TRACE"):
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    return _say(f"a fault in soppa itself ({type(error).__name__} at {place}): what was not committed did not happen; "
                f"run again with SOPPA_TRACE=1 and report it", 1)


if __name__ == "__main__":
    sys.exit(main())
