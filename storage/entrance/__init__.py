"""Who comes in: links, codes and sessions, the people of the office, and acts that need two of them."""
