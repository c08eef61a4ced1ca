"""The register: operators, products, agreements, and what was ever written into it

Its history is append-only by trigger, as those of cases are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_FIXED = "entry, seq, at, actor, kind, detail, personal_digest, hash"
_SQLITE = (
    f"CREATE TRIGGER register_history_no_update BEFORE UPDATE OF {_FIXED} ON register_history "
    "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END",
    "CREATE TRIGGER register_history_no_delete BEFORE DELETE ON register_history "
    "BEGIN SELECT RAISE(ABORT, 'history is append-only'); END",
)
_POSTGRES = (
    f"CREATE TRIGGER register_history_no_update BEFORE UPDATE OF {_FIXED} ON register_history "
    "FOR EACH ROW EXECUTE FUNCTION history_refuse()",
    "CREATE TRIGGER register_history_no_delete BEFORE DELETE ON register_history "
    "FOR EACH ROW EXECUTE FUNCTION history_refuse()",
    "CREATE TRIGGER register_history_no_truncate BEFORE TRUNCATE ON register_history "
    "FOR EACH STATEMENT EXECUTE FUNCTION history_refuse()",
)


def upgrade() -> None:
    _operators()
    _products()
    _agreements()
    numbers = op.create_table(
        "register_numbers",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_register_numbers")),
        sqlite_strict=True,
    )
    op.bulk_insert(numbers, [{"kind": kind, "last": 0} for kind in "OPA"])
    _history()


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("business_address", sa.String(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("name", name=op.f("uq_operators_name")),
        sqlite_strict=True,
    )


def _products() -> None:
    texts = ("url", "key", "relationship", "purpose", "subject", "grades", "use_of_data", "disclosure_purpose")
    op.create_table(
        "products",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("listing", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in texts),
        sa.Column("data_elements", sa.String(), nullable=False),
        sa.Column("schools", sa.Integer(), nullable=True),
        sa.Column("students", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["operator"], ["operators.id"], name=op.f("fk_products_operator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("operator", "name", name=op.f("uq_products_operator_name")),
        sa.UniqueConstraint("key", name=op.f("uq_products_key")),
        sqlite_strict=True,
    )


def _agreements() -> None:
    dates = ("posted_on", "expires_on", "last_attested_on", "ended_on")
    days = ("breach_notice_days", "deletion_days", "correction_days")
    op.create_table(
        "agreements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        *(sa.Column(name, sa.Date(), nullable=True) for name in dates),
        sa.Column("posted_url", sa.String(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in days),
        sa.Column("clauses", sa.String(), nullable=False),
        sa.Column("subcontractors", sa.String(), nullable=True),
        sa.Column("supersedes", sa.String(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'superseded', 'ended')", name=op.f("ck_agreements_status")),
        sa.ForeignKeyConstraint(["product"], ["products.id"], name=op.f("fk_agreements_product")),
        sa.ForeignKeyConstraint(["supersedes"], ["agreements.id"], name=op.f("fk_agreements_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sqlite_strict=True,
    )
    op.create_index("ix_agreements_product", "agreements", ["product"], unique=False)
    active = sa.text("status = 'active'")
    op.create_index("uq_agreements_active", "agreements", ["product"], unique=True, sqlite_where=active,
                    postgresql_where=active)


def _history() -> None:
    op.create_table(
        "register_history",
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("actor", "kind", "detail")),
        sa.Column("personal_digest", sa.String(), nullable=True),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("entry", "seq", name=op.f("pk_register_history")),
        sqlite_strict=True,
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRES:
        op.execute(statement)
