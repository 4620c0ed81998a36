"""What a model proposes and a registry judges: convergence, decomposition, negotiation, votes."""
