"""From a definition, a case and a command to a decision. Pure; `decide` is the door."""
