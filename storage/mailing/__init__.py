"""Mails on their way: the outbox and how each went, the daily briefs, mails to many, and the mail window."""
