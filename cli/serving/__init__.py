"""The daemon: its beats and workers, the pages on their socket, and how it watches itself."""
