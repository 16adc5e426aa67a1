"""The pages of the documentation work without the internet."""

import re

import pytest

from tests.servers.backend import Backend


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_page_needs_nothing_from_elsewhere(page: str, backend: Backend) -> None:
    html = backend.get(page).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert assets
    for asset in assets:
        assert asset.startswith("/docs-assets/")
        assert backend.get(asset).status_code == 200
    assert "/openapi.json" in html
    assert "https:" not in backend.get(page).headers["content-security-policy"]
