"""In what condition it is: caches, counters, extensions, replicas."""

from chatai_ops.app import Commands

app = Commands()
