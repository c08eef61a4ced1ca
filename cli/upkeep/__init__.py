"""Keeping a home whole: locks, backups, keys, upgrades, moves, and the look whether anything is missing."""
