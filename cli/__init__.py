"""The command line, the daemon and the wiring: the only package that knows all the others."""
