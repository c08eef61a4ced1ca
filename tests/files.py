"""Small files of each kind, good and bad, made on the spot."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, PdfObject, TextStringObject

TYPES = (
    '<Types><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)
PARTS: Mapping[str, str | bytes] = {
    "[Content_Types].xml": TYPES, "_rels/.rels": "<Relationships/>", "word/document.xml": "<document/>",
}  # fmt: skip


def pdf(change: Callable[[PdfWriter], object] = lambda writer: None) -> bytes:
    """One blank page, and what `change` makes of it."""
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    change(writer)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def action(name: str) -> DictionaryObject:
    return dictionary(S=NameObject(name), JS=TextStringObject("app.alert(1)"))


def dictionary(**entries: PdfObject) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): value for name, value in entries.items()})


def acts_on_opening(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/OpenAction")] = action("/JavaScript")


def acts_on_a_page(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/AA")] = dictionary(O=action("/Launch"))


def acts_by_name(writer: PdfWriter) -> None:
    scripts = dictionary(Names=ArrayObject([TextStringObject("a"), writer._add_object(action("/JavaScript"))]))
    writer.root_object[NameObject("/Names")] = dictionary(JavaScript=scripts)


def acts_in_the_end(writer: PdfWriter) -> None:
    """A harmless link whose next action is none."""
    further = ArrayObject([action("/JavaScript")])
    link = dictionary(S=NameObject("/URI"), URI=TextStringObject("https://x"), Next=further)
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(dictionary(A=link))])


def has_a_dynamic_form(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/AcroForm")] = dictionary(XFA=TextStringObject("<xdp/>"))


def png(width: int = 4, height: int = 3) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0")) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def jpeg(width: int = 4, height: int = 3, frame: int = 0xC0) -> bytes:
    """The head of a JPEG, as far as anybody here reads it."""
    jfif = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    sized = struct.pack(">BBHBHHB", 0xFF, frame, 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + jfif + b"\xff" + sized + b"\xff\xda"


def docx(changes: Mapping[str, str | bytes | None] | None = None) -> bytes:
    """A Word document as small as can be; `changes` add, replace or (None) leave out parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, content in {**PARTS, **(changes or {})}.items():
            if content is not None:
                parts.writestr(name, content)
    return written.getvalue()
