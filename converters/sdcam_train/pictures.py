"""The photographs of the training: those bundled with scikit-image and scikit-learn, no downloads.

Licences as the two projects state them (`skimage.data`'s docstrings and `README.txt` of
`sklearn.datasets.images`). `chelsea`, `coffee` and `china` are held out: no crop of them is ever
trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Source:
    """One bundled picture: file name, share among the crops, and its licence."""

    file: str
    weight: float
    licence: str


PUBLIC_NASA = "public domain (NASA)"
TRAINED: dict[str, Source] = {
    "astronaut": Source("astronaut.png", 6.0, PUBLIC_NASA),
    "motorcycle left": Source("motorcycle_left.png", 4.0, "CC0 (D. Scharstein, Middlebury 2014)"),
    "motorcycle right": Source("motorcycle_right.png", 2.0, "CC0 (D. Scharstein, Middlebury 2014)"),
    "flower": Source("flower.jpg", 4.0, "CC BY 2.0 (vultilion)"),
    "rocket": Source("rocket.jpg", 3.0, "public domain (SpaceX)"),
    "camera": Source("camera.png", 3.0, "CC0 (Lav Varshney)"),
    "hubble": Source("hubble_deep_field.jpg", 1.0, PUBLIC_NASA),
    "tissue": Source("ihc.png", 1.0, "no known copyright restrictions (CMMI, Brussels)"),
    "retina": Source("retina.jpg", 1.0, "CC0 (Haeggstroem)"),
    "brick": Source("brick.png", 0.8, "CC0 (CC0Textures)"),
    "grass": Source("grass.png", 0.8, "CC0 (linolafett)"),
    "gravel": Source("gravel.png", 0.8, "CC0 (CC0Textures)"),
    "coins": Source("coins.png", 1.0, "no known copyright restrictions (Brooklyn Museum)"),
    "text": Source("text.png", 0.4, "public domain"),
    "cell": Source("cell.png", 0.3, "CC0"),
}
HELD_OUT: dict[str, Source] = {
    "chelsea": Source("chelsea.png", 0.0, "CC0 (Stefan van der Walt)"),
    "coffee": Source("coffee.png", 0.0, "CC0 (Rachel Michetti)"),
    "china": Source("china.jpg", 0.0, "CC BY 2.0 (danielbuechele)"),
}


def _folders() -> list[Path]:
    import skimage.data
    import sklearn.datasets

    return [
        Path(skimage.data.__file__).parent,
        Path(sklearn.datasets.__file__).parent / "images",
    ]


def load(source: Source) -> Pixels:
    """The picture as RGB uint8 (H, W, 3)."""
    for folder in _folders():
        path = folder / source.file
        if path.exists():
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if pixels is not None:
                return np.ascontiguousarray(pixels[..., ::-1])
    raise FileNotFoundError(
        f"{source.file} is not in the wheels of scikit-image and scikit-learn; reinstall them"
    )


def square(pixels: Pixels, size: int) -> Pixels:
    """The middle square, scaled to `size` pixels."""
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    middle = pixels[top : top + edge, left : left + edge]
    method = cv2.INTER_AREA if edge > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (size, size), interpolation=method), np.uint8)


def held_out(size: int = 512) -> dict[str, Pixels]:
    """The three test pictures as squares."""
    return {name: square(load(source), size) for name, source in HELD_OUT.items()}


Random = np.random.Generator


def random_crop(pixels: Pixels, size: int, random: Random) -> Pixels:
    """A turned, scaled, mirrored crop; scales are those of a 512-pixel frame, 0.6 to 1.8 times."""
    height, width = pixels.shape[:2]
    scale = 512 / min(height, width) * float(np.exp(random.uniform(np.log(0.6), np.log(1.8))))
    angle = random.normal() * 6
    if random.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    if scale < 0.9:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.45 / scale), np.uint8)
    margin = size / 2 / scale
    centre = [
        random.uniform(margin, extent - margin) if extent > 2 * margin else extent / 2
        for extent in (width, height)
    ]
    matrix = cv2.getRotationMatrix2D((0, 0), angle, scale)
    matrix[:, 2] = size / 2 - matrix[:, :2] @ np.array(centre)
    crop = cv2.warpAffine(
        pixels, matrix, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(crop, np.uint8)
