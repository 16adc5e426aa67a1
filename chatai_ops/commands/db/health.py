"""One verdict over all of it."""

from chatai_ops.app import Commands

app = Commands()
