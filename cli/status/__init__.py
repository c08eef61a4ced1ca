"""Whether all is well while soppa runs, and how people hear of it when it is not."""
