"""The file that is handed out: one PDF and one JSON file in a zip, and beside it the script that checks it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from cli.evidence.gather import Subject, evidence_of
from cli.evidence.paper import evidence_pdf
from cli.printing import plain

VERIFIER = "verify_evidence.py"


def package(subject: Subject, *, redacted: bool) -> bytes:
    """The zip file of a case's evidence. The PDF names the SHA-256 of the JSON file, so that they belong together."""
    told = evidence_of(subject, redacted=redacted)
    text = json.dumps(told, default=plain, ensure_ascii=False, indent=1).encode()
    pdf = evidence_pdf(told, sha256(text).hexdigest(), subject.office.today(subject.taken_at))
    name = f"evidence-{subject.case.id}{'-redacted' if redacted else ''}"
    return _zipped({f"{name}.json": text, f"{name}.pdf": pdf})


def verifier() -> bytes:
    """The script that checks a file of evidence without this program."""
    return files("cli.evidence").joinpath(VERIFIER).read_bytes()


def _zipped(contents: Mapping[str, bytes]) -> bytes:
    """Without the time of this machine: the same contents give the same file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            archive.writestr(entry, content)
    return out.getvalue()
