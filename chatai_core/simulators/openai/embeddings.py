"""Vectors of texts: always the same for the same text, of length 1, and near when two texts share words."""

import base64
import hashlib
import math
import re
from array import array
from typing import Any

from chatai_core.simulators.openai import failures
from chatai_core.simulators.openai.replies import count_tokens

DIMENSIONS = 1536

_WORD = re.compile(r"\w+")
_PLACES = 8  # each word sets so many of the numbers: two words seldom meet


def answer(model: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request for embeddings; no or empty input is a 400 failure."""
    texts = _texts(body.get("input"))
    size = body.get("dimensions") or DIMENSIONS
    if not isinstance(size, int) or not 1 <= size <= 3072:
        raise failures.bad_request("Invalid 'dimensions': must be between 1 and 3072.", "dimensions")
    in_base64 = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": _encoded(vector(text, size), in_base64)}
        for at, text in enumerate(texts)
    ]
    tokens = sum(count_tokens(text) for text in texts)
    return {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}


def vector(text: str, size: int = DIMENSIONS) -> list[float]:
    """The unit vector of a text: the sum of its words, and a little of the text as a whole."""
    numbers = [0.0] * size
    for word in _WORD.findall(text.lower()):
        _add(numbers, word, 1.0)
    _add(numbers, "\0" + text, 0.1)
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


def _add(numbers: list[float], word: str, weight: float) -> None:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=4 * _PLACES).digest()
    for at in range(0, len(digest), 4):
        place = int.from_bytes(digest[at : at + 4], "little")
        numbers[(place >> 1) % len(numbers)] += weight if place & 1 else -weight


def _texts(given: Any) -> list[str]:
    """The texts of the field ``input``: one, or a list; lists of token numbers stand for themselves."""
    if given is None:
        raise failures.missing("input")
    items = given if isinstance(given, list) else [given]
    if items and all(isinstance(item, int) for item in items):
        items = [items]
    texts: list[str] = [" ".join(map(str, item)) if isinstance(item, list) else item for item in items]
    if not texts or any(not isinstance(text, str) or not text for text in texts):
        raise failures.bad_request("Invalid 'input': input cannot be an empty string.", "input")
    if len(texts) > 2048:
        raise failures.bad_request("Invalid 'input': maximum 2048 items.", "input")
    return texts


def _encoded(numbers: list[float], in_base64: bool) -> object:
    return base64.b64encode(array("f", numbers).tobytes()).decode() if in_base64 else numbers
