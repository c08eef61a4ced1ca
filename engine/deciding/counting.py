"""Whether a text for people says of how many people something is so, in English or Spanish."""

from __future__ import annotations

import re

_PEOPLE = (
    r"residents?|students?|pupils?|people|persons?|individuals?|famil(?:y|ies)|children|child|parents?|guardians?|minors?"
    r"|learners?|users?|accounts?|records?|recipients?|victims?"
    r"|residentes?|estudiantes?|alumn[oa]s?|personas?|familias?|niñ[oa]s?|hij[oa]s?|padres|madres|tutores|menores"
    r"|usuari[oa]s?|cuentas?|registros?|víctimas?"
)
_SPELLED = (
    r"two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|dozens?|hundreds?|thousands?|millions?"
    r"|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|veinte|treinta|cuarenta|cincuenta|sesenta|setenta"
    r"|ochenta|noventa|docenas?|cien|ciento|cientos|centenares|mil|miles|millones"
)
_NUMBER = rf"(?:\d+(?:[.,\u00a0\u202f ]\d{{3}})*|\b(?:{_SPELLED}))"
_BETWEEN = r"(?:[ \u00a0\n]+(?:of|de)|[ \u00a0\n]+[^\W\d]+){0,3}?"
_COUNTS = (
    re.compile(rf"(?<![\w.,/-]){_NUMBER}{_BETWEEN}[ \u00a0\n]+(?:{_PEOPLE})\b", re.IGNORECASE),
    re.compile(rf"\b(?:{_PEOPLE})(?:[ \u00a0\n]+[^\W\d]+)?[ \u00a0\n]*[:(=][ \u00a0\n]*{_NUMBER}\b", re.IGNORECASE),
)
_NO_COUNT = re.compile(
    r"(?:\b(?:grades?|grados?|ages?|aged|edad|room|page|section|part)(?:[ \u00a0]+\w+[ \u00a0]+(?:to|and|through|a|y))?"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*\.?|\b(?:in|since|en|desde))[ \u00a0\n]+$",
    re.IGNORECASE,
)
"""What stands before a number that counts nobody: a grade, an age, a month, the word before a year."""


def counted_people(text: str) -> str | None:
    """The first words that say how many people; None where a text says it of none."""
    found = (match for pattern in _COUNTS for match in pattern.finditer(text))
    return next((match[0] for match in found if not _NO_COUNT.search(text[: match.start()])), None)
