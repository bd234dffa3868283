"""CLIP's tokenizer: text to 77 token numbers, with the `tokenizers` library alone.

Models have tokenizer.json or CLIP's older two files. The latter are read here and not converted by
`pull`, because models that users copy by hand have them too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE

from sdcam.errors import MissingError
from sdcam.models.folder import TOKENS

_START, _END = "<|startoftext|>", "<|endoftext|>"
_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


class ClipTokenizer:
    """
    Args:
        folder: a model's `tokenizer/`.

    Raises:
        MissingError: files missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        try:
            pad = _padding_token(folder)
            tokenizer = _from_files(folder, pad)
            number = tokenizer.token_to_id(pad)
            if number is None:
                raise ValueError(f'the vocabulary lacks the padding token "{pad}"')
        except FileNotFoundError as fault:
            raise MissingError(
                f"The model has no file {fault.filename}.", "Download the model again."
            ) from None
        except Exception as fault:  # the library raises bare Exception on a file it cannot parse
            raise MissingError(
                f"The tokenizer in {folder} is damaged ({fault}).", "Download the model again."
            ) from None
        tokenizer.enable_truncation(TOKENS)
        tokenizer.enable_padding(length=TOKENS, pad_id=number, pad_token=pad)
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> NDArray[np.int64]:
        """(1, 77) int64: start, the words' tokens, end, padding; a longer text is cut."""
        return np.array([self._tokenizer.encode(text).ids], dtype=np.int64)


def _from_files(folder: Path, pad: str) -> Tokenizer:
    whole = folder / "tokenizer.json"
    if whole.is_file():
        return Tokenizer.from_str(whole.read_text(encoding="utf-8"))
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#version"))
    merges = [(left, right) for left, right in pairs]
    tokenizer = Tokenizer(
        BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token=_END, fuse_unk=False)
    )
    # The steps of transformers' CLIPTokenizer.
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    # Special tokens are never split or joined, and to transformers the padding is one of them:
    # with OpenCLIP's "!" that changes how a prompt with an exclamation mark reads.
    tokenizer.add_special_tokens([_START, _END, pad])
    tokenizer.post_processor = processors.RobertaProcessing(
        (_END, vocabulary[_END]),
        (_START, vocabulary[_START]),
        trim_offsets=False,
        add_prefix_space=False,
    )
    return tokenizer


def _padding_token(folder: Path) -> str:
    """SD 1 pads with the end token; SD 2 and OpenCLIP with "!", which is number 0."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        path = folder / name
        if path.is_file():
            pad: Any = json.loads(path.read_text(encoding="utf-8")).get("pad_token")
            if pad is not None:
                return str(pad["content"] if isinstance(pad, dict) else pad)
    return _END
