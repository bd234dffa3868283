from __future__ import annotations

import json

import pytest

from sdcam.errors import MissingError
from sdcam.models.bundle import Bundle, BundleCard, sha256


@pytest.fixture
def bundle(tmp_path):
    (tmp_path / "fused.mlpackage").mkdir()
    weights = tmp_path / "fused.mlpackage" / "weights.bin"
    weights.write_bytes(b"weights")
    card = BundleCard(
        model="tiny",
        width=64,
        height=128,
        latent_channels=4,
        embed_channels=32,
        time_channels=64,
        layouts=("fused",),
        scheduler={"beta_schedule": "linear"},
        files={"fused.mlpackage/weights.bin": sha256(weights)},
    )
    (tmp_path / "bundle.json").write_text(card.to_json())
    return tmp_path


def change(folder, **values):
    card = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**card, **values}))


def test_what_was_written_is_read(bundle):
    opened = Bundle.open(bundle)
    assert (opened.card.width, opened.card.height) == (64, 128)
    assert opened.program("fused") == bundle / "fused.mlpackage"
    assert list(opened.verify_files()) == ["fused.mlpackage/weights.bin"]


def test_a_changed_file_is_found(bundle):
    (bundle / "fused.mlpackage" / "weights.bin").write_bytes(b"weighty")
    with pytest.raises(MissingError, match=r"weights.bin is not what was written.*convert"):
        list(Bundle.open(bundle).verify_files())


def test_a_missing_file_is_found_at_once(bundle):
    (bundle / "fused.mlpackage" / "weights.bin").unlink()
    with pytest.raises(MissingError, match=r"weights.bin is missing"):
        Bundle.open(bundle)


@pytest.mark.parametrize(
    "values", [{"schema_version": 2}, {"width": 65}, {"wdth": 1}, {"files": 3}]
)
def test_another_version_is_refused_with_the_key(bundle, values):
    change(bundle, **values)
    with pytest.raises(MissingError, match=rf"another version.*{next(iter(values))}"):
        Bundle.open(bundle)


def test_a_folder_without_a_card_is_no_bundle(tmp_path):
    with pytest.raises(MissingError, match=r"no converted model.*sdcam models convert"):
        Bundle.open(tmp_path)
