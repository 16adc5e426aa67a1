"""What operators ask of the logs: whole records out of the rotated set, whatever its age and compression."""

from chatai_core.logs.errors import errors
from chatai_core.logs.records import Record
from chatai_core.logs.search import Reading, Records, Skipped

__all__ = ["Reading", "Record", "Records", "Skipped", "errors"]
