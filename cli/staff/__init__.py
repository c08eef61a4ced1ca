"""Who works here: the table of people, absences, those who leave, and what takes two of them."""
