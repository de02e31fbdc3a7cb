"""Exact priors: their posterior mean is a formula, for tests and verification."""
