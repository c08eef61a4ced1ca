"""Retention: what is due, agreeing to a purge, carrying it out, and its certificate."""
