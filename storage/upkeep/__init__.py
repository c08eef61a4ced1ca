"""Keeping the database itself: its upgrades and moves, other keys, and the look whether it is whole."""
