"""What people of a district answer for."""

ROLES = (
    "sponsor",
    "staff",
    "privacy",
    "custodian",
    "edtech",
    "legal",
    "itsec",
    "procurement",
    "superintendent",
    "board",
    "principal",
    "ceo",
    "web",
    "board_clerk",
    "signer",
    "board_attorney",
    "data_owner",
    "hearing_officer",
    "hr",
)
