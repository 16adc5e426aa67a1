"""Compressed logs, unpacked while they are read and never on disk."""

import gzip
from io import BufferedReader
from typing import Protocol

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PIECE = 131_072


class Readable(Protocol):
    """What can be read piece by piece."""

    def read1(self, size: int, /) -> bytes:
        """The next bytes, at most ``size``; empty at the end. Raises OSError, EOFError or zlib.error on damage."""
        ...


def unpacked(stream: BufferedReader) -> Readable | None:
    """The stream unpacked, by what its first bytes say; None when it is not compressed."""
    beginning = stream.peek(4)
    if beginning.startswith(_GZIP):
        return gzip.GzipFile(fileobj=stream)
    return _Zstandard(stream) if beginning.startswith(_ZSTD) else None


class _Zstandard:
    """zstandard's own reader takes a file that was cut off for a whole one."""

    def __init__(self, stream: BufferedReader) -> None:
        import zstandard  # 8 ms, for the few who compress with it

        self._stream = stream
        self._error = zstandard.ZstdError
        self._start = zstandard.ZstdDecompressor().decompressobj
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._packed = b""

    def read1(self, size: int, /) -> bytes:
        """The next piece, whatever its size: how much a piece unpacks to is not known before."""
        piece: bytes | None = b""
        while piece == b"":
            piece = self._next()
        return piece or b""

    def _next(self) -> bytes | None:
        packed = self._packed or self._stream.read(_PIECE)
        if not packed:
            if self._frame is not None:
                raise EOFError("the file ends in the middle of its data")
            return None
        self._frame = self._frame or self._start()
        try:
            piece = self._frame.decompress(packed)
        except self._error as error:
            raise OSError(str(error)) from error
        self._packed = self._frame.unused_data if self._frame.eof else b""
        if self._frame.eof:
            self._frame = None
        return piece
