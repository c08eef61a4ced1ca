"""What is looked at: the queue, cases, counts, evidence. Reads, and the few words a person says about what they see."""
