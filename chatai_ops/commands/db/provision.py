"""Making a database ready for ChatAI, and seeing whether it can be reached."""

from chatai_ops.app import Commands

app = Commands()
