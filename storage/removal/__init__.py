"""Removing what is personal when its term is over, and what forbids it."""
