"""From a rule and a date to a deadline with each step of the way: calendars, clocks and the ladders on them."""
