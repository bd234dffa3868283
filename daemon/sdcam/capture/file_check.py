"""Whether a file can be read at all, said in words before OpenCV fails without any."""

from __future__ import annotations

from pathlib import Path

from sdcam.errors import MissingError, UsageError


def check_file(path: Path, what: str) -> None:
    """Raises unless `path` is a readable file with something in it. `what`: "video", "image"."""
    try:
        with path.open("rb") as file:
            something = file.read(1)
    except FileNotFoundError:
        raise MissingError(
            f'There is no file "{path}".', f"Check the path of the {what}."
        ) from None
    except PermissionError:
        raise MissingError(
            f'"{path}" may not be read.', f'Allow it with: chmod u+r "{path}"'
        ) from None
    except IsADirectoryError:
        raise UsageError(f'"{path}" is a folder.', f"Name one {what} file in it.") from None
    except OSError as error:
        raise MissingError(
            f'"{path}" cannot be read: {error.strerror}.', f"Copy the {what} to another disk."
        ) from error
    if not something:
        raise UsageError(f'"{path}" is empty.', f"Give a {what} with something in it.")
