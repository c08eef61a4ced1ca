"""The tables. Instants are UTC, dates local. What is personal stands in `sealed` columns only.

SQLModel checks nothing here: constraints and unique indexes carry the invariants, and the tests try to break them.
"""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

from storage.tables.access import CodeRow, LinkRow, RateCount, SecondCheck, SessionRow
from storage.tables.audiences import AudienceRow, CopyRow, PrintRunRow, RecipientRow
from storage.tables.cases import (
    AdoptionRow,
    CaseNumber,
    CaseRow,
    ClockRow,
    CycleRow,
    FactPast,
    HistoryRow,
    KeptAnswer,
    MessageRow,
    SealRow,
    SnoozeRow,
    TaskAssignee,
    TaskRow,
    TimerRow,
)
from storage.tables.columns import METADATA as METADATA
from storage.tables.mails import BriefLineRow, OutboxMail
from storage.tables.office import DefinitionRow, IncidentRow, Meta, PendingAct, PersonRow
from storage.tables.register import AgreementRow, OperatorRow, ProductRow, RegisterHistoryRow, RegisterNumber
from storage.tables.retention import PreservationRow, PurgeItem, PurgeRow


def _table(model: type[SQLModel]) -> Table:
    return METADATA.tables[str(model.__tablename__)]


META = _table(Meta)
PEOPLE = _table(PersonRow)
DEFINITIONS = _table(DefinitionRow)
CASE_NUMBERS = _table(CaseNumber)
CASES = _table(CaseRow)
FACT_PAST = _table(FactPast)
TASKS = _table(TaskRow)
ASSIGNEES = _table(TaskAssignee)
SNOOZES = _table(SnoozeRow)
KEPT_ANSWERS = _table(KeptAnswer)
CLOCKS = _table(ClockRow)
TIMERS = _table(TimerRow)
CYCLES = _table(CycleRow)
MESSAGES = _table(MessageRow)
OUTBOX = _table(OutboxMail)
BRIEF_LINES = _table(BriefLineRow)
LINKS = _table(LinkRow)
CODES = _table(CodeRow)
SESSIONS = _table(SessionRow)
SECOND_CHECKS = _table(SecondCheck)
RATE_COUNTS = _table(RateCount)
HISTORY = _table(HistoryRow)
SEALS = _table(SealRow)
INCIDENTS = _table(IncidentRow)
PENDING_ACTS = _table(PendingAct)
OPERATORS = _table(OperatorRow)
PRODUCTS = _table(ProductRow)
AGREEMENTS = _table(AgreementRow)
ADOPTIONS = _table(AdoptionRow)
REGISTER_NUMBERS = _table(RegisterNumber)
REGISTER_HISTORY = _table(RegisterHistoryRow)
AUDIENCES = _table(AudienceRow)
RECIPIENTS = _table(RecipientRow)
COPIES = _table(CopyRow)
PRINT_RUNS = _table(PrintRunRow)
PRESERVATIONS = _table(PreservationRow)
PURGES = _table(PurgeRow)
PURGE_ITEMS = _table(PurgeItem)
