"""Words become the same tokens as in transformers' CLIPTokenizer, from either kind of file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sdcam.errors import MissingError
from sdcam.models.tokenizer import ClipTokenizer

PROMPTS = [
    "",
    "a cat",
    "DON'T stop!!",
    "naïve café ☕ 浮世絵",
    "x" * 400,
    "<|endoftext|> a",
    "1234 5",
]


@pytest.fixture(params=["tokenizer.json", "vocab.json and merges.txt"])
def folder(tiny_copy, request):
    if request.param != "tokenizer.json":
        (tiny_copy / "tokenizer" / "tokenizer.json").unlink()
    return tiny_copy / "tokenizer"


def test_tokens_equal_those_of_transformers(folder, references):
    tokenize = ClipTokenizer(folder)
    for text, tokens in zip(references["texts"], references["tokens"], strict=True):
        assert np.array_equal(tokenize(str(text))[0], tokens), text


@pytest.mark.parametrize("prompt", PROMPTS)
def test_tokens_equal_those_of_the_installed_transformers(folder, prompt):
    transformers = pytest.importorskip("transformers")
    theirs = transformers.CLIPTokenizer.from_pretrained(folder)(
        prompt, padding="max_length", max_length=77, truncation=True
    )
    assert ClipTokenizer(folder)(prompt)[0].tolist() == theirs["input_ids"]


def test_a_prompt_is_always_77_tokens(folder):
    tokenize = ClipTokenizer(folder)
    for prompt in PROMPTS:
        assert tokenize(prompt).shape == (1, 77)
        assert tokenize(prompt).dtype == np.int64


def test_padding_is_the_models_own(folder):
    assert ClipTokenizer(folder)("a cat")[0, -1] == 0  # "!", as in OpenCLIP
    settings = folder / "tokenizer_config.json"
    content = json.loads(settings.read_text())
    settings.write_text(json.dumps({**content, "pad_token": {"content": "<|endoftext|>"}}))
    end = json.loads((folder / "vocab.json").read_text())["<|endoftext|>"]
    assert ClipTokenizer(folder)("a cat")[0, -1] == end


def test_a_folder_without_a_vocabulary_is_refused(folder):
    for name in ("tokenizer.json", "vocab.json"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(MissingError, match=r"vocab\.json"):
        ClipTokenizer(folder)


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "tokenizer_config.json"])
def test_a_damaged_file_is_refused(folder, name):
    (folder / "tokenizer.json").unlink(missing_ok=True)
    (folder / name).write_text("{ nothing here")
    with pytest.raises(MissingError, match="is damaged"):
        ClipTokenizer(folder)


def test_a_damaged_whole_tokenizer_is_refused(tiny_copy):
    (tiny_copy / "tokenizer" / "tokenizer.json").write_text("{}")
    with pytest.raises(MissingError, match="is damaged"):
        ClipTokenizer(tiny_copy / "tokenizer")
