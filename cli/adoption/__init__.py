"""Taking in what the office had begun before it had soppa: read, rehearsed, adopted."""
