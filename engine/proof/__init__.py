"""What can be said of a definition without running the office: walks, proofs, scenarios, mutants, simulations."""
