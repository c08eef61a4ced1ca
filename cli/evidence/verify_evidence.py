#!/usr/bin/env python3
"""Checks a file of evidence without the program that made it. Needs Python 3.8 or newer and nothing else.

    python3 verify_evidence.py evidence-2026-0001.zip
    python3 verify_evidence.py evidence-2026-0001.zip letter.pdf              and whether these are its documents
    python3 verify_evidence.py evidence-2026-0001-redacted.zip --with FULL.zip and whether it is a true extract

It ends with 0 when nothing is at fault, 1 when something is, 2 when it was called wrongly.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any, Iterator  # noqa: UP035 - Python 3.8 knows no other

FORMAT = "soppa-evidence-1"
LIMIT = 1 << 30
LEFT_OUT = "(left out)"
SETS_A_DATE = ("clock_started", "clock_moved")
ENDS_A_DATE = ("clock_satisfied", "clock_voided", "clock_expired")
Found = Iterator["tuple[str, str]"]
"""What is found: ("ok", sentence), ("note", sentence) or ("FAULT", sentence)."""


class Unreadable(Exception):
    """The file is no evidence that can be read; the message is a sentence."""


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a file of evidence made by soppa.")
    parser.add_argument("evidence", type=Path, help="the zip file")
    parser.add_argument("documents", type=Path, nargs="*", help="files that may be documents of the case")
    parser.add_argument("--with", dest="full", type=Path, help="the full file, to check a redacted one against")
    given = parser.parse_args(words)
    faults = 0
    try:
        for weight, sentence in everything(given.evidence, given.documents, given.full):
            faults += weight == "FAULT"
            tell(f"{weight:<5}  {sentence}")
    except (Unreadable, OSError) as error:
        tell(f"FAULT  {error}")
        faults += 1
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        tell(f"FAULT  something is missing in the file, or is not what it should be ({type(error).__name__}: {error})")
        faults += 1
    tell(f"\n{faults} at fault: do not rely on this file" if faults else "\nNothing is at fault.")
    return 1 if faults else 0


def everything(evidence: Path, documents: list[Path], full: Path | None) -> Found:
    told, pdf, digest = opened(evidence)
    yield "note", f"{evidence.name}: SHA-256 {sha256(evidence.read_bytes())}"
    yield "note", "the office wrote that hash into the history of the case after it made the file: ask for it"
    yield from of_pdf(pdf, digest)
    yield from of_chain(told)
    yield from of_dates(told)
    yield from of_seals(told)
    yield from of_letters(told)
    for document in documents:
        yield from of_document(told, document)
    if full is not None:
        yield from of_extract(told, opened(full)[0])


def opened(path: Path) -> tuple[dict[str, Any], bytes, str]:
    """The JSON as a value, the PDF, and the SHA-256 of the JSON."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {Path(one.filename).suffix: one for one in archive.infolist()}
            if sorted(names) != [".json", ".pdf"] or len(archive.infolist()) != 2:
                raise Unreadable(f"{path}: there must be one PDF and one JSON file in it, and nothing else")
            if sum(one.file_size for one in names.values()) > LIMIT:
                raise Unreadable(f"{path} is larger than any file of evidence")
            text, pdf = archive.read(names[".json"]), archive.read(names[".pdf"])
        told = json.loads(text)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise Unreadable(f"{path} cannot be read: {error}") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise Unreadable(f"{path} is not in the format {FORMAT}: use the verifier that came with it")
    return told, pdf, sha256(text)


def of_pdf(pdf: bytes, digest: str) -> Found:
    if digest.encode() in pdf:
        yield "ok", "the PDF names the hash of this JSON file: they were made together"
    else:
        yield "FAULT", "the PDF does not name the hash of this JSON file: one of them was changed or exchanged"


def of_chain(told: dict[str, Any]) -> Found:
    """Each line from the one before, as far as nothing is left out."""
    before: str | None = ""
    counted = 0
    for number, line in enumerate(told["history"], 1):
        if line["seq"] != number:
            yield "FAULT", f"line {number} of the history is missing"
            return
        after = follows(before, line)
        if line["hashed"] is not None and not says_the_same(line):
            yield "FAULT", f"line {number} shows something else than what was hashed"
        if after is not None and line["hash"] != after:
            yield "FAULT", f"line {number} of the history, or the one before, was changed"
        counted += after is not None and line["hash"] == after
        before = line["hash"]
    lines, chain = len(told["history"]), told["chain"]
    if (chain["lines"], chain["head"]) != (lines, before):
        yield "FAULT", "the history does not end where the file says it ends: lines are missing at its end"
    if not chain["whole"]:
        yield "FAULT", "the office's own check found the chain broken: " + "; ".join(chain["faults"])
    yield from chain_in_words(told, counted, lines)


def chain_in_words(told: dict[str, Any], counted: int, lines: int) -> Found:
    whole = told["redacted"] or counted == lines
    yield "ok" if whole else "FAULT", f"lines recomputed, each from the one before: {counted} of {lines}"
    left = lines - counted
    if told["redacted"] and left:
        shown = sum(line["hash"] is not None and line["hashed"] is None for line in told["history"])
        yield "note", f"{left} lines cannot be recomputed, since something is left out; {shown} of them show their hash"
        yield "note", f"the last hash, {told['chain']['head']}, commits to all of them: check with --with FULL.zip"


def follows(before: str | None, line: dict[str, Any]) -> str | None:
    """The hash that a line must have; None where it cannot be told."""
    return None if before is None or line["hashed"] is None else sha256((before + line["hashed"]).encode())


def says_the_same(line: dict[str, Any]) -> bool:
    seq, at, actor, kind, detail, _ = json.loads(line["hashed"])
    shown = (line["seq"], line["at"], line["actor"], line["kind"], line["detail"])
    return bool(shown == (seq, at, actor, kind, json.loads(detail)))


def of_dates(told: dict[str, Any]) -> Found:
    """Each date is the one that the history told at its time."""
    wrong = 0
    for date in told["dates"]:
        for sentence in date_faults(date, told["history"]):
            wrong += 1
            yield "FAULT", sentence
    if told["dates"] and not wrong:
        yield "ok", f"sets of dates that are as the history told them at their time: {len(told['dates'])}"


def date_faults(date: dict[str, Any], history: list[dict[str, Any]]) -> Iterator[str]:
    mine = [line["detail"] for line in history if line["detail"].get("clock") == date["clock"]
            and line["detail"].get("generation") == str(date["generation"])]
    kinds = [line["kind"] for line in history if line["detail"].get("clock") == date["clock"]
             and line["detail"].get("generation") == str(date["generation"])]
    begun = next((detail for detail, kind in zip(mine, kinds) if kind in SETS_A_DATE), None)
    if begun is None:
        yield f"no line of the history began the clock “{date['title']}”, generation {date['generation']}"
    elif (begun["anchor"], begun.get("legal")) != (date["trigger_date"], date["legal_due"]):
        yield f"“{date['title']}” shows other dates than the history told"
    ends = [(detail, kind) for detail, kind in zip(mine, kinds) if kind in ENDS_A_DATE]
    met = ends[-1][0] if ends and ends[-1][1] == "clock_satisfied" else None
    if date["status"] == "superseded" and any(line["kind"] == "answer_undone" for line in history):
        met = None
    if (date["status"] == "satisfied") != (met is not None) or (met and met["on"] != date["ended_on"]):
        yield f"“{date['title']}” was not met as it is shown"


def of_seals(told: dict[str, Any]) -> Found:
    hashes = {line["seq"]: line["hash"] for line in told["history"]}
    for seal in told["seals"]:
        text = canonical([seal["number"], seal["at"], seal["heads"]])
        if sha256((seal["before"] + text).encode()) != seal["hash"]:
            yield "FAULT", f"seal {seal['number']} was changed"
        for case, seq, head in json.loads(seal["heads"]):
            if case == told["case"]["case"] and hashes.get(seq) != head:
                yield "FAULT", f"line {seq} is not as it was sealed in seal {seal['number']}"
    if told["seals"]:
        last = told["seals"][-1]
        yield "ok", f"seals recomputed: {len(told['seals'])}"
        when = last["at"][:16].replace("T", " ")
        yield "note", f"the last one is seal {last['number']}, {when} UTC, {last['hash']}"
        yield "note", "the privacy officer's mail of that day names it: hold it against this"


def of_letters(told: dict[str, Any]) -> Found:
    kept = [one for one in told["letters"] if one.get("as_kept")]
    for letter in kept:
        if sha256(base64.b64decode(letter["as_kept"])) != letter["sha256_as_kept"]:
            yield "FAULT", f"letter {letter['number']} is not the one that was kept"
    if kept:
        yield "ok", f"letters held against their hashes: {len(kept)}"


def of_document(told: dict[str, Any], path: Path) -> Found:
    digest = sha256(path.read_bytes())
    found = next((one["what"] for one in told["documents"] if one["sha256"] == digest), None)
    if found is not None:
        yield "ok", f"{path} is the document “{found}” of this case"
    else:
        yield "FAULT", f"{path} is no document of this case as it was kept"


def of_extract(told: dict[str, Any], full: dict[str, Any]) -> Found:
    """Whether a redacted file says nothing else than the full one, and leaves no line out."""
    if told["case"]["case"] != full["case"]["case"] or full["redacted"]:
        yield "FAULT", "--with wants the full file of the same case"
        return
    if len(full["history"]) < len(told["history"]):
        yield "FAULT", "the full file is older than this one: ask for a newer one"
        return
    labels: dict[str, str] = {}
    wrong = 0
    for shown, whole in zip(told["history"], full["history"]):
        if not is_extract(shown, whole, labels):
            wrong += 1
            yield "FAULT", f"line {shown['seq']} says something else than in the full file"
    persons = [whole for label, whole in labels.items() if label.startswith("person ")]
    if len(persons) != len(set(persons)):
        yield "FAULT", "two labels stand for one person"
    if not wrong:
        yield "ok", f"all {len(told['history'])} lines are true extracts of the full file, and none is missing"


def is_extract(shown: dict[str, Any], whole: dict[str, Any], labels: dict[str, str]) -> bool:
    same = all(shown[key] == whole[key] for key in ("seq", "at", "kind"))
    same = same and all(shown[key] in (None, whole[key]) for key in ("hash", "hashed"))
    same = same and stands_for(shown["who"], whole["actor"], labels)
    return same and all(key in whole["detail"] and are_same(word, key, whole, labels)
                        for key, word in shown["detail"].items())


def are_same(word: str, key: str, whole: dict[str, Any], labels: dict[str, str]) -> bool:
    """The very word, or labels in the places of people."""
    if word == whole["detail"][key]:
        return True
    if key == "by":
        return stands_for(word, whole["actor"], labels)
    ones, others = word.split(", "), whole["detail"][key].split(", ")
    return key == "to" and len(ones) == len(others) and all(
        stands_for(one, other, labels) for one, other in zip(ones, others))


def stands_for(label: str, key: str, labels: dict[str, str]) -> bool:
    """Whether a label stands for the same key (`person:carla`, or `carla`) everywhere."""
    bare = re.sub(r"^(person|party|system|audience|recipient):", "", key)
    return label == LEFT_OUT or labels.setdefault(label, bare) == bare


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tell(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
