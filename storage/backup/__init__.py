"""Backups: one encrypted file that holds a database, of either kind, and the files of its home; and the way back."""
