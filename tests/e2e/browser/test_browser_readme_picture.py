"""A new picture of the page is roughly the one that the README shows."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.support.browser import Chromium
from tests.support.whole_product import Product
from tools.readme_pictures.page_photo import SCHEMES, photograph
from tools.workspace import ROOT

COARSE = (24, 22)
"""The picture in so few pixels that only the layout and its colours remain, without letters and figures."""
LEAST_LIKENESS = 0.55
"""Correlation: 0.70 with one more line of text, 0.35 without the right half, -0.75 in the other colours."""


def structure(picture: bytes) -> npt.NDArray[np.float64]:
    """Return what stands out from the background of a PNG, which is a gradient from top to bottom."""
    image = Image.open(io.BytesIO(picture)).convert("L").resize(COARSE, Image.Resampling.BOX)
    grey = np.asarray(image, dtype=np.float64)
    return (grey - np.median(grey, axis=1, keepdims=True)).ravel()


def likeness(one: bytes, other: bytes) -> float:
    """Return the likeness of two pictures of the same size; 1 for identical ones."""
    assert Image.open(io.BytesIO(one)).size == Image.open(io.BytesIO(other)).size
    return float(np.corrcoef(structure(one), structure(other))[0, 1])


def committed(scheme: str) -> bytes:
    """Read the README's picture."""
    return (ROOT / f"docs/pictures/page-{scheme}.png").read_bytes()


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_still_looks_like_its_picture(chromium: Chromium, product: Product) -> None:
    """The page has the size and roughly the look of its picture; the weather may differ."""
    taken = await photograph(chromium.browser, product.state["base_url"])
    for scheme in SCHEMES:
        alike = likeness(committed(scheme), taken.pictures[scheme])
        assert alike > LEAST_LIKENESS, f"{scheme}: {alike:.2f}; `make readme-pictures` takes the picture again"


def test_another_picture_is_found() -> None:
    """The comparison rejects the other colour scheme, and a page whose right half is empty."""
    light = committed("light")
    assert likeness(light, committed("dark")) < 0
    pixels = np.asarray(Image.open(io.BytesIO(light))).copy()
    half = pixels.shape[1] // 2
    pixels[:, half:] = pixels[:, -1:]
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "PNG")
    assert likeness(light, kept.getvalue()) < LEAST_LIKENESS
