"""What there is, as frozen values: definitions, cases, the office, and what is said between them."""
