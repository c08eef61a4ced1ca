"""Tells: words to mails, mails through the relay, letters on paper."""
