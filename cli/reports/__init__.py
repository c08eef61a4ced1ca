"""Reports: what was met and what was not, counted honestly, on the terminal, as a PDF or as CSV."""
