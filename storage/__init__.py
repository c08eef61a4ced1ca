"""Keeps: cases, timers, mails, links and history in SQLite or PostgreSQL. `storage.store.open_store` is the door.

Nothing is imported here, so that `storage.looking.queue` starts without the libraries that the rest needs.
"""
