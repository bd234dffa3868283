"""Models come over the hub's protocol whole and checked, or not at all; the hub is a server of our
own on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import Repository
from model_commands import PULL, SDXS, TINY, UNET

from sdcam.models import find_model
from sdcam.models.catalogue import TAESD, Provenance, known


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_pulled_model_is_what_the_hub_holds_and_nothing_else(run, hub, models):
    hub.repositories[SDXS.hub].files |= {"unet/diffusion_pytorch_model.bin": b"pickle"}
    said = run(PULL)
    assert "Open RAIL++-M" in said and SDXS.revision in said
    folder = models / "sdxs-512"
    came = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    needed = {
        p.relative_to(TINY).as_posix()
        for p in TINY.rglob("*")
        if p.suffix in (".json", ".safetensors", ".txt")
    }
    assert came == needed | {"origin.json"}
    for name in needed:
        assert (folder / name).read_bytes() == (TINY / name).read_bytes()
        assert not (folder / name).is_symlink()
    assert [entry.name for entry in models.iterdir()] == ["sdxs-512"]
    assert find_model("auto").path == folder


def test_where_it_came_from_is_recorded(run, hub, models):
    run(PULL)
    origin = Provenance.read(models / "sdxs-512")
    assert (origin.source, origin.revision, origin.licence) == (
        SDXS.hub,
        SDXS.revision,
        "openrail++",
    )
    assert origin.files[UNET] == sha256_of((TINY / UNET).read_bytes())


def test_the_hub_learns_two_versions_and_no_more(sdcam, hub, tmp_path):
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    ended = sdcam(*PULL, **home)
    assert ended.returncode == 0, ended.stderr
    told = {part.partition("/")[0] for agent in hub.agents for part in agent.split("; ")}
    assert told == {"unknown", "hf_hub", "python"}


def test_a_transfer_that_is_cut_goes_on_where_it_stopped(run, hub, models):
    hub.cut_after = 20_000
    run(PULL)
    ranges = [asked for _, path, asked in hub.asked if asked and path.startswith("/cdn/")]
    assert ranges == ["bytes=20000-"]
    assert find_model("sdxs-512").path == models / "sdxs-512"


def test_an_interrupted_pull_goes_on_in_the_next_command(run, hub, models):
    hub.cut_after, hub.busy_after_cut = 20_000, True
    sentence = run(PULL, code=3)
    assert "503" in sentence and "it resumes" in sentence
    assert not (models / "sdxs-512").exists()
    assert "sdxs-512" in run(["models", "list"]).partition("Available with")[2]
    (part,) = models.rglob("*.safetensors.part")
    assert part.stat().st_size == 20_000
    hub.busy = False
    hub.asked.clear()
    run(PULL)
    fetched = [(path, asked) for _, path, asked in hub.asked if path.startswith("/cdn/")]
    unet = sha256_of((TINY / UNET).read_bytes())
    assert (f"/cdn/{unet}", "bytes=20000-") in fetched
    assert not any("text_encoder" in path for _, path, _ in hub.asked), "it was whole already"
    assert [entry.name for entry in models.iterdir()] == ["sdxs-512"]


def test_a_file_with_other_bytes_is_refused_and_nothing_is_left(run, hub, models):
    hub.altered.add(sha256_of((TINY / UNET).read_bytes()))
    sentence = run(PULL, code=1)
    assert UNET in sentence and "do not trust" in sentence
    assert list(models.iterdir()) == []


def test_a_small_file_is_checked_too(run, hub, models, monkeypatch):
    monkeypatch.setattr("hub_server.blob_of", lambda content: "0" * 40)
    assert "config.json" in run(PULL, code=1)
    assert list(models.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full: Linux only")
def test_a_full_disk_is_a_sentence(run, hub, models):
    hub.cut_after, hub.busy_after_cut = 20_000, True
    run(PULL, code=3)
    (part,) = models.rglob("*.safetensors.part")
    part.unlink()
    part.symlink_to("/dev/full")
    hub.busy = False
    sentence = run(PULL, code=1)
    assert "disk is full" in sentence and "The next pull resumes" in sentence
    assert not (models / "sdxs-512").exists()


def test_too_small_a_disk_is_noticed_before_the_download(run, hub, models, monkeypatch):
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert "remain to be downloaded" in run(PULL, code=1)
    assert not any(path.startswith("/cdn/") for _, path, _ in hub.asked)


def test_without_a_network_the_sentence_names_the_other_way(run, models, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    sentence = run(PULL, code=3)
    assert "cannot be reached" in sentence and "--from DIR" in sentence
    assert not models.exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nobody/nothing"], 3, "no model nobody/nothing"),
        (["sdxs-512", "--revision", "v9"], 3, 'no revision "v9"'),
        (["sdxs"], 3, 'No model is known as "sdxs"'),
        (["pocket"], 2, "needs no download"),
        (["../../etc"], 2, "is not the name"),
        (["sdxs-512-dreamshaper-anime"], 3, "--from DIR"),
    ],
)
def test_what_cannot_be_pulled_is_a_sentence(run, hub, models, words, code, sentence):
    assert sentence in run(["models", "pull", *words, "--yes"], code=code)
    assert not models.exists()


def test_a_gated_model_tells_what_to_do(run, hub, models):
    hub.repositories[SDXS.hub].gated = True
    sentence = run(PULL, code=3)
    assert "hf auth login" in sentence and SDXS.hub in sentence
    assert list(models.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({UNET: None, UNET.replace("safetensors", "bin"): b""}, "pickles"),
        ({UNET: None, f"{UNET}.index.json": b""}, "split over several files"),
        ({"text_encoder_2/config.json": b"{}"}, "SDXL"),
        ({"unet/config.json": None}, "no diffusers model"),
        ({"vae/config.json": b"{"}, "damaged"),
    ],
)
def test_another_kind_of_model_is_refused_before_its_weights(run, hub, models, change, sentence):
    files = {**hub.repositories[SDXS.hub].files, **change}
    hub.repositories["some/one"] = Repository({k: v for k, v in files.items() if v is not None})
    assert sentence in run(["models", "pull", "some/one", "--yes"], code=3)
    assert not any(path.startswith("/cdn/") for _, path, _ in hub.asked)
    assert not models.exists() or not any(models.rglob("*.safetensors"))


def test_a_model_that_cannot_be_run_leaves_nothing(run, hub, models):
    unet = json.loads((TINY / "unet/config.json").read_text()) | {"cross_attention_dim": 4}
    files = {**hub.repositories[SDXS.hub].files, "unet/config.json": json.dumps(unet).encode()}
    hub.repositories["some/one"] = Repository(files)
    sentence = run(["models", "pull", "some/one", "--yes"], code=3)
    assert "another text encoder" in sentence and "some/one" in sentence
    assert list(models.iterdir()) == []


def test_taesd_comes_along_where_the_autoencoder_is_large(run, hub, models):
    turbo = known("sd-turbo")
    files = dict(hub.repositories[SDXS.hub].files)
    files["vae/config.json"] = b'{"_class_name": "AutoencoderKL"}'
    files["unet/diffusion_pytorch_model.fp16.safetensors"] = files[UNET]
    hub.repositories[turbo.hub] = Repository(files, commit=turbo.revision)
    hub.repositories[TAESD.hub] = Repository.of(TINY / "vae", commit=TAESD.revision)
    said = run(["models", "pull", "sd-turbo", "--yes"])
    assert "one million US dollars" in said
    model = find_model("sd-turbo")
    assert model.vae_folder == models / "sd-turbo" / "taesd"
    assert model.unet_weights.name == "diffusion_pytorch_model.fp16.safetensors"
    assert not (model.path / UNET).exists(), "the same weights twice"
    assert not (model.path / "vae" / "diffusion_pytorch_model.safetensors").exists()


def test_a_licence_that_has_changed_since_is_told(run, hub, models):
    hub.repositories[SDXS.hub].licence = "cc-by-nc-4.0"
    assert '"cc-by-nc-4.0" now' in run(PULL)


def test_any_hub_id_of_the_family_gets_a_name_with_its_owner(run, hub, models):
    hub.repositories["some/one"] = Repository.of(TINY, licence="something-else")
    assert '"something-else"' in run(["models", "pull", "some/one", "--yes"])
    assert find_model("some/one").path == models / "some--one"
    assert find_model("some--one").path == models / "some--one"
    assert Provenance.read(models / "some--one").revision == hub.repositories["some/one"].commit


def test_nothing_is_downloaded_that_nobody_agreed_to(run, hub, models, monkeypatch):
    assert "--yes" in run(["models", "pull", "sdxs-512"], code=2)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    run(["models", "pull", "sdxs-512"])
    assert list(models.iterdir()) == []
    monkeypatch.setattr("builtins.input", lambda question: "y")
    run(["models", "pull", "sdxs-512"])
    assert find_model("sdxs-512").path == models / "sdxs-512"


def test_a_second_pull_changes_nothing(run, hub, models):
    run(PULL)
    hub.asked.clear()
    assert "is here already" in run(PULL, code=1)
    assert not hub.asked


def test_a_folder_is_copied_where_there_is_no_network(run, models, tmp_path):
    snapshot = tmp_path / "snapshot"  # as in a Hugging Face cache: links to blobs
    for path in TINY.rglob("*"):
        if path.is_file():
            link = snapshot / path.relative_to(TINY)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    said = run(["models", "pull", "sdxs-512", "--from", str(snapshot)])
    assert "Open RAIL++-M" in said
    model = find_model("sdxs-512")
    assert model.has_graphs and not model.unet_weights.is_symlink()
    assert not (model.path / "references.npz").exists()


def test_a_copy_is_checked_by_what_was_recorded_at_the_download(run, hub, models, tmp_path):
    run(PULL)
    stick = Path(shutil.copytree(models / "sdxs-512", tmp_path / "stick"))
    run(["models", "remove", "sdxs-512", "--yes"])
    run(["models", "pull", "sdxs-512", "--from", str(stick)])
    assert Provenance.read(models / "sdxs-512").revision == SDXS.revision
    run(["models", "remove", "sdxs-512", "--yes"])
    weights = (stick / UNET).read_bytes()
    (stick / UNET).write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    assert "is not what was pulled" in run(
        ["models", "pull", "sdxs-512", "--from", str(stick)], code=3
    )
    assert list(models.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--from", "nowhere"], 3, "no folder nowhere"),
        (["--from", ".", "--revision", "main"], 2, "Give one of them"),
    ],
)
def test_a_copy_from_nowhere_is_a_sentence(run, models, words, code, sentence):
    assert sentence in run(["models", "pull", "sdxs-512", *words], code=code)


def test_a_copy_that_was_killed_leaves_nothing_in_the_next_one(run, models, tiny_folder):
    part = models / ".mine.copy.part"
    part.mkdir(parents=True)
    for graph in tiny_folder.glob("*.onnx"):
        graph.rename(part / graph.name)  # of another model
    run(["models", "pull", "mine", "--from", str(tiny_folder)])
    assert not find_model("mine").has_graphs
    assert [entry.name for entry in models.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["tiny-sd", "small-sd"])
def test_what_is_published_as_pickles_can_be_pulled_as_somebody_else_has_saved_it(
    run, hub, models, name
):
    sentence = run(["models", "pull", name, "--yes"], code=3)
    (command,) = re.findall(r"sdcam (models pull \S+ --revision \S+)\.", sentence)
    tiny = Repository.of(TINY, revisions=(command.split()[-1],))
    hub.repositories[known(name).hub] = tiny
    run([*command.split(), "--yes"])
    assert Provenance.read(models / name).revision == tiny.commit


def test_the_servers_protocol_is_the_hubs_own(hub, tmp_path):
    """huggingface_hub itself downloads the repository from it."""
    script = (
        "from huggingface_hub import snapshot_download;"
        f"snapshot_download({SDXS.hub!r}, revision={SDXS.revision!r}, local_dir='there')"
    )
    environment = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hf"), "PATH": ""}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "there" / UNET).read_bytes() == (TINY / UNET).read_bytes()
