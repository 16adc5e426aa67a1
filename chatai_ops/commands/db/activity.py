"""What it is doing: sessions, their queries, their locks."""

from chatai_ops.app import Commands

app = Commands()
