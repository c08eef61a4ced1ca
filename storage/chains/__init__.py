"""What cannot be changed afterwards unseen: histories of cases and of the register, and the seals over them."""
