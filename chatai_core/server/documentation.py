"""The pages /docs and /redoc, whole without the internet: their scripts come with us, not from a CDN."""

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs-assets"
PAGES = frozenset({"/docs", "/redoc"})


def install(api: FastAPI) -> None:
    """Add the pages to an application that was made without FastAPI's own."""
    package = find_spec("fastapi_offline")
    assert package is not None
    assert package.origin is not None
    api.mount(ASSETS, StaticFiles(directory=Path(package.origin).with_name("static")), name="docs-assets")
    api.add_api_route("/docs", _docs, include_in_schema=False, response_class=HTMLResponse)
    api.add_api_route("/redoc", _redoc, include_in_schema=False, response_class=HTMLResponse)


def _docs() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="ChatAI",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )


def _redoc() -> HTMLResponse:
    return get_redoc_html(
        openapi_url="/openapi.json",
        title="ChatAI",
        redoc_js_url=f"{ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{ASSETS}/favicon.png",
        with_google_fonts=False,
    )
