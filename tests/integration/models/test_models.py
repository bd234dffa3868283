"""What is here of models: listed, removed, converted, verified."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from model_commands import PULL, SDXS, TINY, UNET

from sdcam import resources
from sdcam.cli import main
from sdcam.models import find_model
from sdcam.models.bundle import BundleCard


def test_remove_takes_the_model_and_what_was_broken_off(run, hub, models):
    hub.cut_after, hub.busy_after_cut = 20_000, True
    run(PULL, code=3)
    assert "--yes" in run(["models", "remove", "sdxs-512"], code=2)
    assert "is removed" in run(["models", "remove", "sdxs-512", "--yes"])
    assert list(models.iterdir()) == []
    assert "no model" in run(["models", "remove", "sdxs-512", "--yes"], code=3)


def test_remove_of_one_model_spares_another_whose_name_begins_alike(run, models):
    for part in (".mine.0123456789ab.part", ".mine.too.0123456789ab.part"):
        (models / part).mkdir(parents=True)
    run(["models", "remove", "mine", "--yes"])
    assert [entry.name for entry in models.iterdir()] == [".mine.too.0123456789ab.part"]


def test_remove_leaves_alone_what_a_link_leads_to(run, models, tiny_folder):
    models.mkdir(parents=True)
    (models / "mine").symlink_to(tiny_folder)
    run(["models", "remove", "mine", "--yes"])
    assert (tiny_folder / UNET).is_file() and list(models.iterdir()) == []


@pytest.mark.parametrize("name", ["pocket", "../data", "."])
def test_remove_touches_nothing_else(run, models, name):
    models.mkdir(parents=True)
    run(["models", "remove", name, "--yes"], code=2)
    assert models.is_dir()


def test_list_tells_what_is_here_and_what_can_be_had(run, hub, models):
    run(PULL)
    here, _, others = run(["models"]).partition("Available with")
    (line,) = (line for line in here.splitlines() if line.startswith("* "))
    assert "sdxs-512" in line and "openrail++" in line and str(models) in here
    assert "torch only" in line, "no graphs came along"
    assert "  pocket" in here and "sd-turbo" in others and "sdxs-512 " not in others


def test_list_tells_what_has_come_of_a_model_that_is_not_whole(run, hub, models):
    hub.cut_after, hub.busy_after_cut = 20_000, True
    run(PULL, code=3)
    (line,) = (line for line in run(["models"]).splitlines() if "not whole" in line)
    assert line.startswith("  sdxs-512 ") and " kB" in line and "pull goes on" in line


def test_list_tells_why_the_embedded_model_cannot_be_run(run, models, tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "embedded_model", lambda: tmp_path)
    (line,) = (line for line in run(["models"]).splitlines() if line.startswith("* pocket"))
    assert "cannot be run: " in line and str(tmp_path) in line


def test_convert_makes_a_model_ready_for_the_cpu(run, models, tiny_folder):
    for graph in tiny_folder.glob("*.onnx"):
        graph.unlink()
    said = run(["models", "convert", str(tiny_folder), "--to", "cpu"])
    assert "unet.onnx" in said and "relative difference from diffusers" in said
    assert find_model(str(tiny_folder)).has_graphs


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full: Linux only")
def test_graphs_that_do_not_fit_on_the_disk_change_nothing(run, models, tiny_folder):
    before = {path: path.read_bytes() for path in tiny_folder.glob("*.onnx")}
    (tiny_folder / "unet.onnx.part").symlink_to("/dev/full")
    sentence = run(["models", "convert", str(tiny_folder), "--to", "cpu"], code=1)
    assert "No space left" in sentence and "Nothing was changed" in sentence
    assert {path: path.read_bytes() for path in tiny_folder.glob("*.onnx*")} == before


def test_a_network_that_cannot_be_exported_is_a_sentence(run, models, tiny_folder, monkeypatch):
    def trace(*given: Any) -> None:
        raise TypeError("what torch says\nand more of it")

    monkeypatch.setattr("sdcam_convert.cpu._trace", trace)
    sentence = run(["models", "convert", str(tiny_folder), "--to", "cpu"], code=1)
    assert "(TypeError: what torch says)" in sentence and str(tiny_folder) in sentence


def test_convert_without_its_packages_names_them(run, models, monkeypatch):
    monkeypatch.delitem(sys.modules, "sdcam_convert.cpu", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    sentence = run(["models", "convert", str(TINY), "--to", "cpu"], code=3)
    assert "needs torch" in sentence and "streamdiffusion-cam[convert]" in sentence


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--to", "coreml", "--size", "500"], "multiples of 64"),
        (["--to", "cpu", "--size", "768x448"], "add --to coreml"),
        (["--to", "cpu", "--out", "there"], "add --to coreml"),
        (["--to", "cpu"], "comes with its graphs"),
    ],
)
def test_options_that_cannot_be_are_sentences(run, models, words, sentence):
    assert sentence in run(["models", "convert", "pocket", *words], code=2)


@pytest.fixture
def bundled(monkeypatch) -> list[dict[str, Any]]:
    """A converter that writes a card and no programs; the real one has tests of its own."""
    calls: list[dict[str, Any]] = []

    def convert(model, out, options, origin):
        calls.append({"out": out, "options": options, "origin": origin})
        out.mkdir(parents=True)
        card = BundleCard(
            model=model.name,
            width=options.width,
            height=options.height,
            latent_channels=4,
            embed_channels=8,
            time_channels=16,
            layouts=options.layouts,
            scheduler={},
            files={},
        )
        (out / "bundle.json").write_text(card.to_json())

    monkeypatch.setattr("sdcam_convert.coreml.convert.convert_coreml", convert)
    return calls


def test_a_bundle_lies_with_its_model_named_by_what_is_in_it(run, hub, models, bundled):
    run(PULL)
    command = ["models", "convert", "sdxs-512", "--to", "coreml"]
    run(command)
    run([*command, "--size", "768x448", "--layout", "all", "--compress", "palette-6"])
    folder = models / "sdxs-512" / "coreml"
    assert [call["out"] for call in bundled] == [
        folder / "512x512-fused",
        folder / "768x448-all-palette-6",
    ]
    origin = bundled[0]["origin"]
    assert (origin.source, origin.revision, origin.licence) == (
        SDXS.hub,
        SDXS.revision,
        "openrail++",
    )
    listed = run(["models", "list"])
    assert "\n    512x512-fused " in listed and "\n    768x448-all-palette-6 " in listed


def test_one_bundle_is_removed_by_the_name_that_list_shows(run, models, bundled, tiny_folder):
    name = str(tiny_folder)
    run(["models", "convert", name, "--to", "coreml"])
    run(["models", "convert", name, "--to", "coreml", "--size", "320"])
    assert "--yes" in run(["models", "remove", name, "--bundle", "320x320-fused"], code=2)
    assert "is removed" in run(["models", "remove", name, "--bundle", "320x320-fused", "--yes"])
    assert [path.name for path in (tiny_folder / "coreml").iterdir()] == ["512x512-fused"]
    sentence = run(["models", "remove", name, "--bundle", "320x320-fused", "--yes"], code=3)
    assert "It has: 512x512-fused" in sentence


def test_a_bundle_is_made_anew_once_it_was_removed(run, models, bundled):
    command = ["models", "convert", "pocket", "--to", "coreml"]
    run(command)
    (remove,) = re.findall(r"sdcam (models remove .*)\.$", run(command, code=2))
    run([*remove.split(), "--yes"])
    run(command)
    assert len(bundled) == 2


def test_bundles_whose_checkpoint_was_deleted_are_listed_and_removed(run, models, bundled):
    run(["models", "pull", "mine", "--from", str(TINY)])
    run(["models", "convert", "mine", "--to", "coreml"])
    for path in (models / "mine").iterdir():
        if path.name != "coreml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    listed = run(["models", "list"])
    assert "bundles only\n    512x512-fused " in listed
    run(["models", "remove", "mine", "--bundle", "512x512-fused", "--yes"])
    assert list(models.iterdir()) == []


def test_a_bundle_of_the_embedded_model_can_be_removed_too(run, models, bundled):
    run(["models", "convert", "pocket", "--to", "coreml"])
    run(["models", "remove", "pocket", "--bundle", "512x512-fused", "--yes"])
    assert list(models.iterdir()) == []
    assert "has none" in run(["models", "remove", "pocket", "--bundle", ".."], code=3)


def test_what_is_made_of_the_embedded_model_lies_with_the_users_data(run, models, bundled):
    run(["models", "convert", "pocket", "--to", "coreml"])
    assert bundled[0]["out"] == models / "pocket" / "coreml" / "512x512-fused"
    assert bundled[0]["origin"].licence == "cc0-1.0"
    assert "cpu, coreml\n    512x512-fused " in run(["models", "list"])


def test_a_bundle_that_is_damaged_says_so_in_the_list(run, models, bundled):
    run(["models", "convert", "pocket", "--to", "coreml"])
    (bundled[0]["out"] / "bundle.json").write_text("{")
    assert "damaged" in run(["models", "list"])


def test_verify_by_name_takes_everything_that_was_converted(
    run, models, bundled, tiny_folder, monkeypatch
):
    asked: list[Any] = []
    monkeypatch.setattr("sdcam_convert.verify.run", lambda given: asked.append(given) or 1)
    monkeypatch.setattr("sdcam_convert.agreement.cpu_agreement", lambda model: {"unet": 1e-6})
    name = str(tiny_folder)
    run(["models", "convert", name, "--to", "coreml"])
    run(["models", "convert", name, "--to", "coreml", "--size", "320"])
    assert main(["models", "verify", name]) == 1
    assert [given.bundle.name for given in asked] == ["320x320-fused", "512x512-fused"]
    assert all(given.reference == tiny_folder and not given.json for given in asked)
    assert main(["models", "verify", str(asked[0].bundle), "--json"]) == 1
    assert asked[-1].json and asked[-1].reference is None


def test_verify_of_what_was_never_converted_is_a_sentence(run, models, tiny_folder):
    for graph in tiny_folder.glob("*.onnx"):
        graph.unlink()
    assert "Nothing was converted" in run(["models", "verify", str(tiny_folder)], code=3)
    assert "one bundle" in run(["models", "verify", str(tiny_folder), "--json"], code=2)


def test_verify_compares_the_graphs_with_diffusers_and_says_nothing_else(sdcam):
    ended = sdcam("models", "verify", str(TINY))
    assert ended.returncode == 0 and ended.stdout.count("relative difference") == 4
    assert ended.stderr == ""
