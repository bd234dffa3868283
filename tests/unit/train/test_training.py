"""Training learns, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("skimage")
# ruff: noqa: E402
from sdcam_train import critic, joint, networks, tasks, warm_start, words
from sdcam_train.autoencoder import AutoencoderStage
from sdcam_train.compact import export_checkpoint, import_checkpoint
from sdcam_train.dataset import TILE, Tiles, grain_of, tile
from sdcam_train.stage import load, save
from sdcam_train.workers import Worker

SMALL = networks.Architecture(encoder=(64, 1), decoder=(64, 1), unet=(16, 16))
ALONE = Worker(0, 1, "cpu")


@pytest.fixture(scope="module")
def tiles() -> Tiles:
    return Tiles([np.stack([tile(0, number) for number in range(2)])])


def joint_stage(tiles: Tiles, folder: Path) -> joint.JointStage:
    torch.manual_seed(0)
    weights = networks.autoencoder(SMALL).state_dict()
    tokenizer = joint.tokenizer_of(folder, 0)
    return joint.JointStage(ALONE, tiles, tokenizer, weights, SMALL, 0, size=8)


def test_the_linear_start_already_copies_a_picture(tiles: Tiles) -> None:
    vae = networks.autoencoder(SMALL)
    warm_start.linear_start(vae, warm_start.blocks(tiles, 20, np.random.default_rng(0)))
    picture = torch.from_numpy(tiles.shards[0][0, 0]).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        copy = networks.decode(vae, networks.encode(vae, picture))
    assert (copy - picture).square().mean() < 0.02


def test_the_same_batch_costs_less_after_some_steps(tiles: Tiles, tmp_path: Path) -> None:
    stage = joint_stage(tiles, tmp_path)

    def loss_of_first_batch() -> float:
        stage.random = np.random.default_rng(7)
        torch.manual_seed(7)
        with torch.no_grad():
            return float(stage.loss()[0])

    before = loss_of_first_batch()
    for _ in range(4):
        stage.advance()
    assert loss_of_first_batch() < before


def test_a_resumed_run_takes_the_same_step(tiles: Tiles, tmp_path: Path) -> None:
    first = AutoencoderStage(ALONE, tiles, SMALL, 0)
    for _ in range(4):
        first.advance()
    save(first.state(), tmp_path / "stage.pt")
    first.advance()

    second = AutoencoderStage(ALONE, tiles, SMALL, 0)
    second.restore(load(tmp_path / "stage.pt"))
    assert second.step == 4
    second.advance()
    for name, value in first.modules["vae"].state_dict().items():
        torch.testing.assert_close(second.modules["vae"].state_dict()[name], value)


def test_a_compact_checkpoint_makes_a_run_that_goes_on(tiles: Tiles, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    stage = joint_stage(tiles, first)
    stage.advance()
    save(stage.state(), first / "joint.pt")
    file = tmp_path / "pocket.safetensors"
    assert export_checkpoint(first, file) == 1
    assert import_checkpoint(file, second) == 1
    with pytest.raises(FileExistsError):
        import_checkpoint(file, second)

    resumed = joint_stage(tiles, second)
    resumed.restore(load(second / "joint.pt"))
    assert resumed.step == 1
    assert resumed.rate(1000) < 0.05  # the optimizer is new, so the rate warms up again
    assert joint.tokenizer_of(second, 0).get_vocab() == joint.tokenizer_of(first, 0).get_vocab()
    for name, value in stage.averages["unet"].items():
        torch.testing.assert_close(resumed.averages["unet"][name], value, rtol=1e-3, atol=1e-4)
    resumed.advance()
    assert load(second / "autoencoder.pt")["architecture"]["unet"] == [16, 16]


def test_batches_drawn_ahead_are_those_drawn_in_between(tiles: Tiles, tmp_path: Path) -> None:
    np.save(tmp_path / "tiles-000.npy", tiles.shards[0])
    ahead = tasks.Ahead(tmp_path, 2, processes=1)
    for step in (3, 4, 9):
        drawn = ahead.take([0, 0, step])
        for ours, theirs in zip(drawn, tasks.batch(tiles, [0, 0, step], 2), strict=True):
            assert (ours.prompt, ours.strength) == (theirs.prompt, theirs.strength)
            np.testing.assert_array_equal(ours.target, theirs.target)
    ahead.close()


def test_a_task_has_the_grain_that_its_target_was_painted_with(tiles: Tiles) -> None:
    (pixels,), grain = tiles.crop(1, [0], 128, np.random.default_rng(5))
    row, column = np.random.default_rng(5).integers(0, (TILE - 128) // 8 + 1, 2)
    np.testing.assert_array_equal(grain, grain_of(1)[row : row + 16, column : column + 16])
    expected = tiles.shards[0][1, 0, 8 * row : 8 * row + 128, 8 * column : 8 * column + 128]
    np.testing.assert_array_equal(pixels, expected)


def test_a_critic_joins_at_the_end_and_learns_to_tell_the_teacher(
    tiles: Tiles, tmp_path: Path
) -> None:
    stage = joint_stage(tiles, tmp_path)
    stage.advance()
    state = stage.state()
    weights = networks.autoencoder(SMALL).state_dict()
    tokenizer = joint.tokenizer_of(tmp_path, 0)
    judged = joint.JointStage(ALONE, tiles, tokenizer, weights, SMALL, 0, size=4, judged=True)
    judged.restore(state)
    before = {k: v.clone() for k, v in judged.modules["critic"].state_dict().items()}
    for _ in range(2):
        judged.advance()
    after = judged.modules["critic"].state_dict()
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert judged.step == 3


def test_the_critic_does_not_train_the_student_nor_the_student_the_critic() -> None:
    judge = critic.PatchCritic(2)
    output = torch.zeros(1, 3, 32, 32, requires_grad=True)
    target, frame = torch.ones(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)
    judging, judged, matching = critic.losses(judge, output, target, frame, torch.tensor([1]))
    assert torch.autograd.grad(judging, output, allow_unused=True, retain_graph=True) == (None,)
    weights = list(judge.parameters())
    grads = torch.autograd.grad(judged + matching, weights, allow_unused=True, retain_graph=True)
    assert all(gradient is None for gradient in grads)
    assert torch.autograd.grad(judged + matching, output)[0].abs().sum() > 0


def test_the_words_stage_learns_and_hands_on_what_the_joint_stage_starts_from(
    tiles: Tiles, tmp_path: Path
) -> None:
    tokenizer = joint.tokenizer_of(tmp_path, 0)
    stage = words.WordsStage(ALONE, tokenizer, SMALL, 0)
    for _ in range(8):
        stage.advance()
    assert stage.figures[-1]["loss"] < stage.figures[0]["loss"]
    weights = networks.autoencoder(SMALL).state_dict()
    heir = joint.JointStage(ALONE, tiles, tokenizer, weights, SMALL, 0, words=stage.averages)
    for name, value in stage.averages["add_embedding"].items():
        torch.testing.assert_close(heir.averages["unet"][f"add_embedding.{name}"], value)


def test_the_rate_warms_up_and_an_anneal_lets_it_fall_to_zero(tiles: Tiles) -> None:
    stage = AutoencoderStage(ALONE, tiles, SMALL, 0)
    assert stage.rate(1000) < 0.05
    stage.step = 500
    assert stage.rate(1000) == 1
    stage.anneal_from = 500
    assert stage.rate(1000) == 1
    stage.step = 999
    assert stage.rate(1000) < 0.01
