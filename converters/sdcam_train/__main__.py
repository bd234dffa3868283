"""Makes the embedded model, from nothing, from a seed; can be resumed at any moment.

python -m sdcam_train --help
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from . import autoencoder, dataset, joint, networks, speed, words, workers
from .compact import export_checkpoint, import_checkpoint
from .evaluate import as_json, fingerprint, measure, table, write_sheet
from .export import difference, export
from .student import Student

SHIPPED = Path(__file__).parents[2] / "daemon" / "sdcam" / "models" / "pocket"


def make_data(options: argparse.Namespace) -> None:
    """Writes the tiles that are missing."""
    dataset.make(options.run / "data", options.shards, options.seed, options.workers or 2)


def train_autoencoder(options: argparse.Namespace) -> None:
    """Trains the autoencoder up to a number of steps."""
    arguments = (options.run, options.autoencoder_steps, options.seed, networks.ARCHITECTURE)
    workers.run(autoencoder.train, *arguments, count=options.workers)


def train_words(options: argparse.Namespace) -> None:
    """Teaches the text encoder which style and which light a prompt names."""
    tokenizer = joint.tokenizer_of(options.run, options.seed)  # once, before there are workers
    workers.run(words.train, options.run, tokenizer, options.seed, count=options.workers)


def train_joint(options: argparse.Namespace) -> None:
    """Trains everything together up to a number of steps."""
    workers.run(joint.train, options.run, options.joint_steps, options.seed, count=options.workers)


def anneal(options: argparse.Namespace) -> None:
    """Lets the learning rate fall to zero; makes what is worth exporting."""
    workers.run(
        joint.anneal, options.run, options.anneal_steps, options.seed, count=options.workers
    )


def _student(options: argparse.Namespace) -> Student:
    checkpoint = options.run / f"{options.checkpoint}.pt"
    return Student.from_checkpoint(checkpoint, joint.tokenizer_of(options.run, options.seed))


def export_model(options: argparse.Namespace) -> None:
    """Writes a checkpoint's averaged weights as a diffusers folder."""
    student = _student(options)
    export(student, options.folder)
    print(f"{options.folder}: {difference(student, options.folder):.2f} grey levels from fp32")


def evaluate(options: argparse.Namespace) -> None:
    """Prints the gates and writes metrics.json (beside the weights) and the contact sheet."""
    torch.set_num_threads(1)  # two threads beside a running training wait for each other
    student = _student(options) if options.checkpoint else Student.from_folder(options.folder)
    size = sum(path.stat().st_size for path in options.folder.rglob("*") if path.is_file())
    figures, sheet = measure(student, options.size, 0.0 if options.checkpoint else size / 1e6)
    print(table(figures))
    write_sheet(sheet, options.sheet)
    if not options.checkpoint or options.metrics:
        metrics = options.metrics or options.folder / "metrics.json"
        stored = {**as_json(figures), "fingerprint": fingerprint(student)}
        metrics.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(f"\ncontact sheet: {options.sheet}")
    if options.against:
        print(speed.table(options.folder, options.against))


def checkpoint(options: argparse.Namespace) -> None:
    """Writes a run as one small file, or makes a run from such a file."""
    if options.save:
        step = export_checkpoint(options.run, options.save, options.stage)
        size = options.save.stat().st_size / 1e6
        print(f"{options.save}: step {step}, {size:.1f} MB")
    else:
        step = import_checkpoint(options.load, options.run)
        print(f"{options.run}: goes on from step {step} with `python -m sdcam_train joint`")


def run_all(options: argparse.Namespace) -> None:
    """Data, autoencoder, joint stage, anneal, export, evaluation; goes on where it stopped."""
    make_data(options)
    train_autoencoder(options)
    train_words(options)
    train_joint(options)
    anneal(options)
    export_model(options)
    options.checkpoint = None
    evaluate(options)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m sdcam_train", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--run", type=Path, default=Path(".pocket"), help="folder of the run")
    common.add_argument("--seed", type=int, default=0)
    common.add_argument(
        "--workers", type=int, help="processes; default: one per core, one on a GPU"
    )

    data = argparse.ArgumentParser(add_help=False)
    data.add_argument("--shards", type=int, default=10, help="of 125 tiles, 343 MB each")
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--autoencoder-steps", type=int, default=750)
    second = argparse.ArgumentParser(add_help=False)
    second.add_argument("--joint-steps", type=int, default=10000)
    third = argparse.ArgumentParser(add_help=False)
    third.add_argument("--anneal-steps", type=int, default=800)
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--folder", type=Path, default=SHIPPED, help="the model's diffusers folder")
    measured = argparse.ArgumentParser(add_help=False)
    measured.add_argument("--size", type=int, default=512)
    measured.add_argument("--sheet", type=Path, default=Path(".pocket/sheet.png"))
    measured.add_argument("--metrics", type=Path, help="default: metrics.json beside the weights")
    measured.add_argument(
        "--against", type=Path, help="a model folder to compare the speed with; both need graphs"
    )
    chosen = argparse.ArgumentParser(add_help=False)
    chosen.add_argument("--checkpoint", choices=["joint", "annealed"], default="annealed")
    tried = argparse.ArgumentParser(add_help=False)
    tried.add_argument(
        "--checkpoint", choices=["joint", "annealed"], help="of the run, instead of the folder"
    )

    carried = argparse.ArgumentParser(add_help=False)
    which = carried.add_mutually_exclusive_group(required=True)
    which.add_argument("--save", type=Path, metavar="FILE", help="write the run into this file")
    which.add_argument("--load", type=Path, metavar="FILE", help="make the run from this file")
    carried.add_argument("--stage", choices=["joint", "annealed"], default="joint")

    for name, action, groups in (
        ("data", make_data, [data]),
        ("autoencoder", train_autoencoder, [first]),
        ("words", train_words, []),
        ("joint", train_joint, [second]),
        ("anneal", anneal, [third]),
        ("export", export_model, [chosen, where]),
        ("evaluate", evaluate, [tried, where, measured]),
        ("checkpoint", checkpoint, [carried]),
        ("all", run_all, [data, first, second, third, chosen, where, measured]),
    ):
        command = commands.add_parser(name, parents=[common, *groups], help=action.__doc__)
        command.set_defaults(action=action)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a sentence and exit code 1 when something is missing."""
    workers.log_to_stderr()
    options = parser().parse_args(arguments)
    try:
        options.action(options)
    except (FileNotFoundError, FileExistsError) as fault:
        print(f"python -m sdcam_train: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
