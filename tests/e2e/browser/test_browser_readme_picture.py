"""The README's picture of the page, taken again, is roughly the one that is committed."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.support.browser import Chromium
from tests.support.whole_product import Product
from tools.readme_pictures.page_photo import SCHEMES, photograph
from tools.workspace import ROOT

COARSE = (48, 34)
"""The picture in so few pixels that fonts and figures do not show, only what is where in which colour."""
MOST_DIFFERENCE = 12.0
"""Mean difference of a pixel, of 255. The other colour scheme differs by more than 150."""

pytestmark = pytest.mark.asyncio(loop_scope="session")


def coarse(picture: bytes) -> npt.NDArray[np.float64]:
    """Return a PNG as a few grey pixels."""
    image = Image.open(io.BytesIO(picture)).convert("L").resize(COARSE, Image.Resampling.BOX)
    return np.asarray(image, dtype=np.float64)


async def test_the_page_still_looks_like_its_picture(chromium: Chromium, product: Product) -> None:
    """Same size, same texts and about the same picture; the weather in it may be another."""
    taken = await photograph(chromium.browser, product.state["base_url"])
    for scheme in SCHEMES:
        committed = (ROOT / f"docs/pictures/page-{scheme}.png").read_bytes()
        sizes = {Image.open(io.BytesIO(picture)).size for picture in (committed, taken.pictures[scheme])}
        assert len(sizes) == 1
        difference = np.abs(coarse(committed) - coarse(taken.pictures[scheme])).mean()
        assert difference < MOST_DIFFERENCE, f"{scheme}: `make readme-pictures` takes the picture again"
