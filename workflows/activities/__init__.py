"""Thin clients of our services, as activities; each class is given its stub."""
