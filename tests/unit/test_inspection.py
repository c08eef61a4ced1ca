"""A file is looked into by a child under limits: what it is, why it is not taken, and that nothing reaches us."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Mapping

import pytest
from pypdf import PdfWriter

from cli.inspection import child, docx, looks
from cli.inspection.inspector import inspect
from cli.inspection.verdict import FAULTS
from tests.files import (
    acts_by_name,
    acts_in_the_end,
    acts_on_a_page,
    acts_on_opening,
    has_a_dynamic_form,
    jpeg,
    pdf,
    png,
)
from tests.files import docx as word
from web.documents import MAX_DOCUMENT, Unfit
from web.words import LANGUAGES

REMOTE = '<Relationship Type="…/attachedTemplate" Target="https://evil.example/t.dotm" TargetMode="External"/>'
LINK = '<Relationship Type="…/hyperlink" Target="https://isbe.net" TargetMode="External"/>'


def locked(writer: PdfWriter) -> None:
    writer.encrypt("a password", algorithm="AES-256")


def opens_without_a_password(algorithm: str) -> bytes:
    return pdf(lambda writer: writer.encrypt("", "the owner's", algorithm=algorithm))


def attachment(writer: PdfWriter) -> None:
    writer.add_attachment("x.exe", b"MZ")


def in_word(text: str) -> bytes:
    return word({"word/_rels/document.xml.rels": text})


GOOD: Mapping[str, tuple[bytes, str]] = {
    "a PDF": (pdf(), "pdf"),
    "a PDF that anybody may open, RC4": (opens_without_a_password("RC4-128"), "pdf"),
    "a PDF that anybody may open, AES": (opens_without_a_password("AES-256"), "pdf"),
    "a PDF with a title beyond ASCII": (pdf(lambda writer: writer.add_metadata({"/Title": "Señora 漢"})), "pdf"),
    "a PDF with an outline": (pdf(lambda writer: writer.add_outline_item(title="Kapitel", page_number=0)), "pdf"),
    "a PDF in a compressed form": (pdf(lambda writer: writer.compress_identical_objects()), "pdf"),
    "a PNG": (png(), "png"),
    "a JPEG": (jpeg(), "jpg"),
    "a progressive JPEG": (jpeg(frame=0xC2), "jpg"),
    "a Word document": (word(), "docx"),
    "a Word document with a link": (in_word(LINK), "docx"),
    "a Word document with a name beyond ASCII": (word({"word/media/Señal.png": png()}), "docx"),
    "text": ("Señal\n".encode(), "txt"),
    "text with a byte order mark": ("\ufeffHola".encode(), "txt"),
}

BAD: Mapping[str, tuple[bytes, str]] = {
    "a program": (b"MZ\x90\x00", "kind"),
    "text in UTF-16": ("Hola".encode("utf-16"), "kind"),
    "text in Latin-1": ("Señal".encode("latin-1"), "kind"),
    "blanks": (b"  \n", "kind"),
    "text with an escape": (b"a\x1b[2Jb", "kind"),
    "text with a C1 control": ("a\x9bb".encode(), "kind"),
    "a GIF": (b"GIF89a" + bytes(20), "kind"),
    "a zip of something": (word({"word/document.xml": None}), "kind"),
    "half a PDF": (pdf()[:200], "unreadable"),
    "a PDF in name only": (b"%PDF-1.7 a certificate", "unreadable"),
    "a PDF behind a password": (pdf(locked), "locked"),
    "a PDF with a script": (pdf(acts_on_opening), "active"),
    "a PDF that starts a program": (pdf(acts_on_a_page), "active"),
    "a PDF with a script at the end of a chain": (pdf(acts_in_the_end), "active"),
    "a PDF with a named script": (pdf(acts_by_name), "active"),
    "a PDF with a dynamic form": (pdf(has_a_dynamic_form), "active"),
    "a PDF with a file inside": (pdf(attachment), "active"),
    "half a PNG": (png()[:20], "unreadable"),
    "a PNG without a header": (png().replace(b"IHDR", b"IDAT"), "unreadable"),
    "a PNG of no height": (png(height=0), "unreadable"),
    "a PNG as wide as a street": (png(width=looks.MAX_SIDE + 1), "picture"),
    "a PNG of too many pixels": (png(25_000, 25_000), "picture"),
    "half a JPEG": (jpeg()[:12], "unreadable"),
    "a JPEG without a frame": (jpeg().replace(b"\xff\xc0", b"\xff\xc4"), "unreadable"),
    "a JPEG of too many pixels": (jpeg(25_000, 25_000), "picture"),
    "half a Word document": (word()[:-30], "unreadable"),
    "a Word document that escapes": (word({"../evil": "x"}), "unreadable"),
    "a Word document that escapes to the root": (word({"/etc/evil": "x"}), "unreadable"),
    "a Word document that escapes to a drive": (word({"C:evil": "x"}), "unreadable"),
    "a Word document that swells": (word({"word/big.xml": bytes(docx.MAX_UNPACKED + 1)}), "unreadable"),
    "a Word document of too many parts": (word({f"word/{n}": "" for n in range(docx.MAX_PARTS)}), "unreadable"),
    "a Word document with macros": (word({"word/vbaProject.bin": b"x"}), "active"),
    "a Word document whose type has macros": (
        word({"[Content_Types].xml": "application/vnd.ms-word.document.macroEnabled.main+xml"}), "active"),
    "a Word document with a control": (word({"word/activeX/activeX1.xml": "x"}), "active"),
    "a Word document with an object": (word({"word/embeddings/oleObject1.bin": "x"}), "active"),
    "a Word document with a template from elsewhere": (
        word({"word/_rels/settings.xml.rels": REMOTE}), "active"),
}  # fmt: skip


def reason(content: bytes, name: str = "file") -> str:
    with pytest.raises(Unfit) as caught:
        inspect(content, name)
    return caught.value.key


@pytest.mark.parametrize(("content", "kind"), GOOD.values(), ids=GOOD.keys())
def test_a_good_file_is_known_by_what_it_holds(content: bytes, kind: str) -> None:
    assert inspect(content, "a file") == kind


@pytest.mark.parametrize(("content", "why"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_not_taken(content: bytes, why: str) -> None:
    assert reason(content) == why


@pytest.mark.parametrize(("name", "content"), [
    ("letter.PDF", pdf()), ("scan.jpeg", jpeg()), ("scan.JPG", jpeg()), ("note.text", b"x"), ("note", b"x"),
    ("table.csv", b"a,b"), ("Ruiz.2026", pdf()), (".pdf", b"x"), ("proof.bin", pdf()),
])  # fmt: skip
def test_a_name_that_says_nothing_else_is_no_matter(name: str, content: bytes) -> None:
    assert inspect(content, name)


def test_a_name_that_says_something_else_is_told_with_both() -> None:
    with pytest.raises(Unfit) as caught:
        inspect(png(), "letter.pdf")
    assert caught.value.sentence("en") == (
        "“letter.pdf” is named as a PDF and holds a PNG picture: give it its right name, or choose another"
    )
    assert "“letter.pdf” se llama como un PDF y contiene una imagen PNG" in caught.value.sentence("es")


def test_an_empty_and_a_large_file_are_told_without_a_child() -> None:
    assert reason(b"") == "empty"
    assert reason(bytes(MAX_DOCUMENT + 1)) == "large"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", [*FAULTS, "empty", "large"])
def test_each_reason_has_its_words(key: str, language: str) -> None:
    assert Unfit(key).sentence(language)


def test_a_name_is_shown_in_part_and_without_control_characters() -> None:
    shown = Unfit("named", name="x" * 200 + "\x1b[2J\u202e.pdf", named="pdf", kind="png").sentence("en")
    assert "\x1b" not in shown and "\u202e" not in shown and shown.count("x") < 70


def test_our_own_process_never_loads_what_reads_a_pdf() -> None:
    code = "import sys, cli.documents, cli.serving.pages; sys.exit('pypdf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


TRIED = """
import cli.inspection.child as child

child.LIMITS[child.resource.RLIMIT_CPU] = 1
child.limit()
print("begun", flush=True)
"""
ATTEMPTS = {
    "open a file": "open('/etc/passwd')",
    "make a file": "open('made', 'w')",
    "make a socket": "import _socket; _socket.socket()",
    "start a process": "import os; os.pipe()",
    "take much memory": "bytearray(600 * 1024 * 1024)",
    "work for ever": "[None for n in iter(int, 1)]",
    "raise its limits": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_under_its_limits_the_child_cannot(attempt: str) -> None:
    ended = subprocess.run([sys.executable, "-c", TRIED + attempt], capture_output=True, timeout=60, check=False)
    assert ended.stdout == b"begun\n" and ended.returncode != 0


@pytest.mark.parametrize(
    "ends", ["import os; os.abort()", "import time; time.sleep(60)", "print('exe')", "print('pdf'); 1 / 0", "print('')"]
)
def test_a_child_that_dies_hangs_or_says_nonsense_could_not_read_the_file(
    ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.inspection.inspector.WALL_SECONDS", 1.0)
    monkeypatch.setattr("cli.inspection.inspector.CHILD", ("-c", ends))
    assert reason(pdf()) == "unreadable"


def test_the_child_tells_a_fault_and_hides_every_other_error() -> None:
    assert child.answer(b"MZ\x00") == "kind"
    assert child.answer(b"%PDF-") == "unreadable"
    assert child.LIMITS[resource.RLIMIT_NOFILE] == 3
