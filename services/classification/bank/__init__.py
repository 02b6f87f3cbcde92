"""Content that was decided on before, as digests (docs/decisions/0021)."""
