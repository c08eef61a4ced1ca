"""A file from outside, looked into before it is kept: by a child process that may take little and reach nothing.

`inspector` asks, on our side; everything else here runs in the child, which loads nothing else of the house.
"""
