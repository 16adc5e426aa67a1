"""Assistants, their dialogs, and the one way to make a reply."""
