"""Proves the statements against a schema before anything runs: what a compiler would find."""
