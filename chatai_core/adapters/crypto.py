"""Secrets at rest: AES-256-GCM, one nonce a value, the row it belongs to as associated data."""

import base64
import functools
import hashlib
import hmac
import os
from dataclasses import dataclass

from chatai_core.errors import BadData
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret as its row keeps it: encrypted, the fingerprint that finds it again, what may be shown of it."""

    sealed: str
    fingerprint: str
    hint: str


class Cipher:
    """Encrypts with a key derived (HKDF-SHA256) from CHATAI_ENCRYPTION_KEY or SECRET_KEY.

    A sealed value is ``v1:<key id>:<base64 of nonce and ciphertext>``; the key id tells which key it needs.
    """

    def __init__(self, key: str) -> None:
        self._key = _derived(key, b"chatai at rest")
        self._fingerprint_key = _derived(key, b"chatai fingerprint")
        self.key_id = hashlib.sha256(b"id" + self._key).hexdigest()[:8]

    def keep(self, plain: str, *, row: str) -> Kept:
        """A secret as this row (``ai_token_pool:7``) keeps it."""
        return Kept(self.seal(plain, row=row), self.fingerprint(plain), masked(plain))

    def seal(self, plain: str, *, row: str) -> str:
        """Encrypt a value for one row (``ai_token_pool:7``); in another row it cannot be opened."""
        nonce = os.urandom(12)
        sealed = nonce + self._aes.encrypt(nonce, plain.encode(), row.encode())
        return f"v1:{self.key_id}:{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str, *, row: str) -> str:
        """Decrypt a row's value. Raises BadData when it was sealed with another key, for another row, or changed."""
        version, _first, rest = sealed.partition(":")
        key_id, _second, text = rest.partition(":")
        if version != "v1":
            raise BadData(_("The secret of {row} is not encrypted.").format(row=row))
        if key_id != self.key_id:
            raise BadData(
                _("The secret of {row} was encrypted with another key.").format(row=row),
                why=_("It needs the key {needed}; this installation has {has}.").format(needed=key_id, has=self.key_id),
                hint="chatai config show --origin",
            )
        from cryptography.exceptions import InvalidTag  # as for ``_aes``

        try:
            raw = base64.b64decode(text, validate=True)
            plain: bytes = self._aes.decrypt(raw[:12], raw[12:], row.encode())
            return plain.decode()
        except (ValueError, InvalidTag) as error:
            raise BadData(_("The secret of {row} is damaged.").format(row=row)) from error

    def fingerprint(self, plain: str) -> str:
        """A keyed hash (HMAC-SHA256, 64 hex digits) that finds duplicates without revealing the value."""
        return hmac.new(self._fingerprint_key, plain.encode(), hashlib.sha256).hexdigest()

    @functools.cached_property
    def _aes(self):  # type: ignore[no-untyped-def]
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 50 ms that a listing does not pay

        return AESGCM(self._key)


def masked(secret: str) -> str:
    """What may be shown of a secret: its kind and its last four characters.

    >>> masked("sk-proj-abcdefghijklmnop1234"), masked("123456789:AAH5abcdefghijklmnopqrstuvwxyz12345"), masked("short")
    ('sk-…1234', '123456789:…2345', '…')
    """
    if len(secret) < 12:
        return "…"
    kind = secret.split(":")[0] + ":" if ":" in secret else "sk-" if secret.startswith("sk-") else ""
    return f"{kind}…{secret[-4:]}"


def _derived(key: str, purpose: bytes) -> bytes:
    """HKDF (RFC 5869) with SHA-256, 32 bytes, no salt."""
    extracted = hmac.new(b"\0" * 32, key.encode(), hashlib.sha256).digest()
    return hmac.new(extracted, purpose + b"\x01", hashlib.sha256).digest()
