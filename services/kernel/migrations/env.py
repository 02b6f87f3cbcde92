"""Shared by every service: see migrate."""
