"""From the nodes of a document to the values of `engine.model`, with all faults at once and the place of each."""
