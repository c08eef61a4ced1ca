"""Evidence of a case: what is in it, what is left out where it goes to the public, and the files that carry it."""
