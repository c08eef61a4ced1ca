"""The evidence on paper: the same document as texts for a PDF, and the pictures of its deadlines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from cli.evidence.dates import in_one_sentence
from cli.evidence.lens import LEFT_OUT
from cli.evidence.letters import STATES, counted
from cli.evidence.words import day as in_words
from cli.evidence.words import plain
from engine.law.days import day_name
from notifiers.typesetting import typeset

Evidence = Mapping[str, Any]
MOST_SEALS = 40
"""Seals on paper; all of them are in the JSON file."""


def evidence_pdf(told: Evidence, digest: str, today: dt.date) -> bytes:
    """The PDF of a document made by `gather.evidence_of`; `digest` is the SHA-256 of its JSON file."""
    return typeset(["paper.typ", "evidence.typ"], _paper(told, digest, today), "the evidence")


def _paper(told: Evidence, digest: str, today: dt.date) -> dict[str, object]:
    zone, case = ZoneInfo(told["zone"]), told["case"]
    taken = f"{_moment(told['taken']['at'], zone)} by {told['taken']['by']}"
    counts = [date for date in told["dates"] if date["status"] != "superseded"]
    return {
        "title": f"Evidence of case {case['case']}",
        "subtitle": case["title"],
        "district": told["district"],
        "keywords": [f"sha256:{digest}"],
        "footer": f"Case {case['case']} · evidence taken {taken}{' · redacted' if told['redacted'] else ''}",
        "redacted": told["redacted"],
        "summary": _summary(told, zone, taken),
        "deadlines": [_deadline(date, today) for date in counts],
        "dates": [_why(date) for date in told["dates"]],
        "facts": [_fact(fact, zone) for fact in told["facts"]],
        "holds": [[hold["hold"], hold["status"], _day(hold["from"]), _day(hold["until"]), _day(hold["released_on"]),
                   _agency(hold)] for hold in told["holds"]],
        "told": [[one["about"], in_words(one["on"]), one["proof"],
                  ", ".join(str(line) for line in one["lines"])]
                 for one in told["told"]],
        "documents": [[one["what"], f"{_called(one)}{one['kind'].upper()}, {one['sha256']}\n{one['state']}",
                       "–" if one["bytes"] is None else f"{one['bytes']:,}"] for one in told["documents"]],
        "timeline": list(_timeline(told["history"], zone)),
        "letters": list(_letters(told, zone)),
        "mails": list(_mails(told, zone)),
        "chain": _chain(told, digest),
        "notes": told["notes"],
        "hashes": [[str(line["seq"]), line["hash"]] for line in told["history"] if line["hash"]],
        "seals": [[str(seal["number"]), _moment(dt.datetime.fromisoformat(seal["at"]), zone), seal["hash"]]
                  for seal in told["seals"][-MOST_SEALS:]],
    }  # fmt: skip


def _called(document: Evidence) -> str:
    return f"“{document['called']}”\n" if document["called"] else ""


def _summary(told: Evidence, zone: ZoneInfo, taken: str) -> list[list[str]]:
    case = told["case"]
    ended = f"{_local(case['ended_at'], zone)}: {plain(case['outcome'] or '')}" if case["ended_at"] else ""
    parties = "\n".join(f"{one['name']} ({one['label']})" for one in told["parties"])
    related = ", ".join([*([f"part of case {case['parent']}"] if case["parent"] else []),
                         *([f"started case {' and '.join(case['children'])}"] if case["children"] else [])])
    rows = [
        ["Began", _local(case["started_at"], zone)],
        ["Ended", ended or f"not ended; stands at “{case['state']}”"],
        ["With", parties],
        ["Related", related],
        ["Under", ", ".join(case["cites"])],
        ["Process", f"{case['process']}, version {case['version']}"],
        ["This file", f"taken {taken}; all times are {told['zone']}"],
        ["History", f"{told['chain']['lines']} lines; when this was made, the chain was "
                    f"{'whole' if told['chain']['whole'] else 'BROKEN'}"],
    ]
    return [row for row in rows if row[1]]


def _deadline(date: Evidence, today: dt.date) -> dict[str, object]:
    legal = date["legal_due"]
    how = in_one_sentence(date)
    late = bool(legal and (date["ended_on"] or today) > legal and date["status"] in ("satisfied", "running"))
    if date["status"] == "running" and _is_window(date):
        how, late = f"open until {_day(legal)}", False
    elif date["status"] == "running" and legal:
        how = f"{(today - legal).days} days overdue" if late else f"running, due {_day(legal)}"
    return {
        "title": date["title"],
        "how": how,
        "late": late,
        "law": " · ".join(word for word in (date["kind"], date["rule"], date["citation"], _length(date)) if word),
        "picture": _picture(date, today, how, late=late),
    }


def _picture(date: Evidence, today: dt.date, how: str, *, late: bool) -> dict[str, object] | None:
    """The period as a bar: nothing is drawn where there are no days to draw."""
    legal, begins = date["legal_due"], date["trigger_date"]
    if legal is None or legal <= begins:
        return None
    until = date["ended_on"] or (today if date["status"] == "running" else begins)
    whole: int = max((legal - begins).days, (until - begins).days)

    def share(day: dt.date) -> float:
        days: int = (day - begins).days
        return max(0, days) / whole

    target = date["target_due"] if date["target_due"] and date["target_due"] != legal else None
    named = "last day" if _is_window(date) else "legal date"
    return {
        "alt": f"Day 0 {_day(begins)}, {named} {_day(legal)}: {how}",
        "span": 1.0, "done": share(until), "legal": share(legal), "late": late, "met": date["status"] == "satisfied",
        "target": share(target) if target else None,
        "target_label": f"district target {_short(target)}" if target else "",
        "begins_label": f"day 0: {_short(begins)}",
        "legal_label": f"{named} {_short(legal)}",
    }  # fmt: skip


def _is_window(date: Evidence) -> bool:
    """Another party's right: it has a last day, and nobody can be late."""
    return bool(date["kind"] == "last day")


def _why(date: Evidence) -> dict[str, object]:
    legal = date["legal_due"]
    undated = "no date while it is held" if date["holds"] else "the law gives no date"
    wanted = f"Why {_day(legal)}? {date['title']}" if legal else f"{date['title']}: {undated}"
    pairs = [
        ["Rule", f"{date['rule_title'] or ''} ({date['rule']}, version {date['rule_version']})".strip()],
        ["Law", f"{date['citation']}  [{date['certainty']}]" if date["citation"] else ""],
        ["Period", _length(date)],
        ["Day 0", _day(date["trigger_date"]) + (f": {date['trigger']}" if date["trigger"] else "")],
        ["Known from", date["trigger_from"]],
        ["Calendars", ", ".join(date["calendars"])],
        ["How it ended", in_one_sentence(date)],
    ]
    notes = [
        f"A reading, not the letter of the law: {date['reading']}" if date["reading"] else "",
        f"Source: {date['source']}" if date["source"] else "",
        f"Note: {date['note']}" if date["note"] else "",
        date["counted_again"],
    ]
    superseded = f"Generation {date['generation']}, superseded: {date['superseded_because']}." \
        if date["status"] == "superseded" else None
    return {"lead": wanted, "superseded": superseded, "pairs": [pair for pair in pairs if pair[1]],
            "steps": date["steps"], "notes": [note for note in notes if note]}


def _length(date: Evidence) -> str:
    if date["agreed"]:
        return f"a later date agreed to by both sides, {_day(date['agreed'])}"
    return date["period"] or ""


def _fact(fact: Evidence, zone: ZoneInfo) -> list[str]:
    was = "".join(f"\nbefore {_local(one['until'], zone)}: {_value(one['value'])}"
                  for one in fact["former"])
    at = fact["recorded_at"]
    recorded = f"{_local(at, zone)}, {fact['by']}" if at else "follows from the others"
    return [fact["label"], f"{_value(fact['value'])}{was}", recorded,
            str(fact["line"] or "")]


def _value(text: str | None) -> str:
    return LEFT_OUT if text is None else in_words(text)


def _agency(hold: Evidence) -> str:
    return f"{hold['agency']}, {hold['officer']}, {hold['matter']}" if "agency" in hold else LEFT_OUT


def _timeline(history: Sequence[Evidence], zone: ZoneInfo) -> Iterator[Mapping[str, object]]:
    """The lines by local day."""
    days: dict[dt.date, list[dict[str, object]]] = {}
    for line in history:
        at = dt.datetime.fromisoformat(line["at"]).astimezone(zone)
        days.setdefault(at.date(), []).append({
            "time": f"{at:%H:%M}", "seq": str(line["seq"]), "who": line["who"], "says": line["says"],
            "weighty": line["weighty"],
        })  # fmt: skip
    yield from ({"day": _day(day), "lines": lines} for day, lines in days.items())


def _letters(told: Evidence, zone: ZoneInfo) -> Iterator[dict[str, object]]:
    """Those to people outside, with their text."""
    for one in told["letters"]:
        if one.get("text") is None or one["for_staff"]:
            continue
        pairs = [
            ["To", f"{one['to']}, {one['address']}"],
            ["Sent", f"{_moment(one['settled_at'], zone)}: {STATES[one['state']]}" if one["settled_at"]
             else STATES[one["state"]]],
            ["Subject", one["subject"]],
            ["Message-ID", one["message_id"]],
            ["The relay said", one["relay_said"] or ""],
            ["SHA-256 as sent", one["sha256_as_sent"]],
        ]  # fmt: skip
        yield {"heading": f"Letter “{one['about']}”, mail {one['number']}",
               "pairs": [pair for pair in pairs if pair[1]], "text": one["text"].strip()}


def _mails(told: Evidence, zone: ZoneInfo) -> Iterator[list[str]]:
    """Each mail in a line; those to an audience are counted."""
    about = {one["mail"]: one["about"] for one in told["letters"]}
    for one in told["letters"]:
        if not one["to_many"]:
            yield [one["about"], str(one["to"]), _moment(one["made_at"], zone), STATES[one["state"]]]
    for mail, state, count in counted(one for one in told["letters"] if one["to_many"]):
        yield [about[mail], f"{count:,} of an audience", "", STATES[state]]


def _chain(told: Evidence, digest: str) -> dict[str, object]:
    chain = told["chain"]
    found = "the chain is whole." if chain["whole"] else "the chain is broken:"
    says = f"The office checked all {chain['lines']} lines when this file was made: {found}"
    pairs = [["Last hash", chain["head"]], ["JSON file", f"SHA-256 {digest}"],
             ["To check it", "python3 verify_evidence.py FILE.zip (needs Python and nothing else)"]]
    return {"whole": chain["whole"], "says": says, "faults": chain["faults"], "pairs": pairs}


def _day(day: dt.date | None) -> str:
    return day_name(day) if day else "–"


def _short(day: dt.date) -> str:
    return f"{day:%b} {day.day} {day.year}"


def _local(at: dt.datetime, zone: ZoneInfo) -> str:
    return _day(at.astimezone(zone).date())


def _moment(at: dt.datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{day_name(local.date())}, {local:%H:%M}"
