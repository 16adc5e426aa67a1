"""Checks, asked at once."""
