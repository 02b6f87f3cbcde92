"""Simulated platforms: a library and a thin server, used by tests and by the local stack."""
