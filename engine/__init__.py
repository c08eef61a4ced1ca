"""The engine decides: definitions, dates and decisions, as pure functions over frozen values.

Nothing in here reads a clock, draws a random number, makes an id or touches a file, a socket or a database;
`service` is the one module that calls the ports through which the rest of the house does so.
"""
