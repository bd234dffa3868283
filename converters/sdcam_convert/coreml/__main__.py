"""`python -m sdcam_convert.coreml FOLDER --out BUNDLE`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sdcam.errors import SdcamError
from sdcam.models import ModelFolder
from sdcam_convert.coreml.convert import convert_coreml
from sdcam_convert.coreml.options import add_options, options_from


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sdcam_convert.coreml", description="Converts a diffusers folder to Core ML."
    )
    parser.add_argument("folder", type=Path, help="of the SDXS, SD-Turbo or Tiny-SD family")
    parser.add_argument("--out", type=Path, required=True, help="the bundle's folder, a new one")
    add_options(parser)
    given = parser.parse_args(arguments)
    try:
        options = options_from(given)
        convert_coreml(ModelFolder.open(given.folder), given.out, options)
    except SdcamError as fault:
        print(fault, file=sys.stderr)
        return int(fault.exit_code)
    except KeyboardInterrupt:
        print("Interrupted; nothing was kept.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
