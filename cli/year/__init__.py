"""A year of a district of 5,000 students, played through the real house on a fake clock: nobody here exists."""
