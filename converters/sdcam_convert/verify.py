"""`sdcam models verify`: compares a converted model with the checkpoint that it was made from.

    python -m sdcam_convert.verify BUNDLE [--reference FOLDER] [--json]

Light to import: `run` loads what computes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdcam.errors import MissingError, SdcamError

if TYPE_CHECKING:
    from sdcam.models import ModelFolder
    from sdcam.models.bundle import Bundle


def add_options(parser: argparse.ArgumentParser) -> None:
    """Everything but the bundle itself."""
    parser.add_argument(
        "--reference",
        metavar="NAME-or-FOLDER",
        help="the checkpoint that it was made from (default: what the bundle names)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def run(arguments: argparse.Namespace) -> int:
    """Takes `bundle` (a path), `reference` and `json`; prints the report on stdout.

    Returns:
        0 if it passes, else 1.

    Raises:
        SdcamError: it cannot be verified.
    """
    from sdcam.models import find_model
    from sdcam.models.bundle import Bundle

    bundle = Bundle.open(Path(arguments.bundle))
    reference = find_model(arguments.reference) if arguments.reference else _checkpoint_of(bundle)
    try:
        from sdcam_convert.verification import verify_bundle
    except ModuleNotFoundError as fault:
        if fault.name is None or fault.name.startswith("sdcam"):
            raise
        raise MissingError(
            f"Verifying a model needs the package {fault.name}.",
            'Install the converters: pip install "streamdiffusion-cam[convert]".',
        ) from None
    report = verify_bundle(bundle, reference, lambda line: print(line, file=sys.stderr))
    print(report.json() if arguments.json else report.table())
    return int(not report.passed)


def _checkpoint_of(bundle: Bundle) -> ModelFolder:
    """The folder that the bundle was made from, or the installed model of its name."""
    from sdcam.models import ModelFolder, find_model

    source = Path(bundle.card.source)
    if source.is_dir():
        return ModelFolder.open(source)
    try:
        return find_model(bundle.card.model)
    except MissingError:
        raise MissingError(
            f"The checkpoint of {bundle.path} is missing ({bundle.card.source}).",
            "Name the one that it was made from: --reference NAME-or-FOLDER.",
        ) from None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sdcam_convert.verify",
        description="Runs a converted model against PyTorch.",
    )
    parser.add_argument("bundle", type=Path, help="folder with bundle.json")
    add_options(parser)
    try:
        return run(parser.parse_args(arguments))
    except SdcamError as fault:
        print(fault, file=sys.stderr)
        return int(fault.exit_code)


if __name__ == "__main__":
    sys.exit(main())
