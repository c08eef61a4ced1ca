"""The full-screen queue: read a case, act, and move on, all by keyboard. Textual is loaded here and nowhere else."""
