"""What a file of evidence says about itself: how its chain is made, and what is left out."""

CHAIN = (
    "Each line of the history has a hash: SHA-256 of the hash of the line before it, followed by the text "
    "`hashed` of the line (UTF-8). The first line follows the empty text. Whoever changes, adds or takes away a "
    "line changes every hash after it. The sentences (`says`) explain the lines; what the chain binds is "
    "`hashed`."
)
SEALS = (
    "A seal lists the latest line of every history of the office that had grown, and has a hash of its own, which "
    "stood in the privacy officer's mail of that day. Whoever kept that mail can tell whether this history is as "
    "it was sealed."
)
PERSONAL = (
    "Personal values are not in the chain themselves, only a keyed digest of them; the office checked them with "
    "its key when this file was made. So they can be destroyed at the end of their time and the chain stays "
    "whole."
)
LETTERS = (
    "`as_kept` is a mail as it is kept (base64); its links do not work any more, since their secrets were taken "
    "out after sending. `sha256_as_sent` is the hash of the bytes that left, `sha256_as_kept` that of `as_kept`. "
    "Of a mail to many one text in each language is here, of the others their hashes. A letter posted on paper "
    "has no copy here."
)
LEFT_OUT = (
    "This file is redacted: names, addresses, texts that somebody typed, numbers, letters, documents and dates "
    "before the year before the case are left out; people are called person 1, person 2 …, the same in every "
    "redacted file of this case. A line from which something is left out has no `hashed` text. It has a hash only "
    "where the hash cannot be used to try out guesses at what is left out. The last hash commits to the whole "
    "history: the verifier holds this file against the full one (--with) and says whether it is a true extract."
)
