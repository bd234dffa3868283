"""The figures of the gates, measured on three pictures that training never saw.

A picture's style is the teacher it is nearest to in mean squared error, among the ten and the
untouched input. Flicker is the mean absolute difference between the outputs of two frames that
differ in camera noise only, over that of the frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from . import pictures
from .dataset import PHOTO, STYLES
from .prompts import GALLERY, UNSEEN
from .student import Pixels, Student, to_floats
from .teachers import paint

NAMES = (PHOTO, *STYLES)
UNKNOWN = ("", "xyzzy qwop", "a dog wearing a hat", "a person at a desk", "blorf grint")
CAMERA_NOISE = 4.0  # grey levels
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
FEEDBACK_FRAMES = 300
DRIFTING = ("pencil", "hdr", "cyberpunk")  # those that would run away: lines, contrast, glow


@dataclass(frozen=True)
class Gate:
    """One row of the table: the figure, what it must reach, what we aim at."""

    name: str
    value: float
    gate: float
    aim: float
    unit: str = ""
    smaller_is_better: bool = False

    @property
    def passed(self) -> bool:
        if self.smaller_is_better:
            return self.value < self.gate
        return self.value >= self.gate


@dataclass(frozen=True)
class Figures:
    """All that is measured, JSON-friendly; dictionaries are by picture or by style."""

    size: int
    autoencoder_psnr: dict[str, float]
    right_styles: int
    wrong_styles: list[str]
    gallery_right: int
    unseen_right: int
    unseen_missed: list[str]
    teacher_psnr: dict[str, float]
    input_psnr: dict[str, float]
    ceiling_psnr: dict[str, float]
    identity_psnr: dict[str, float]
    flicker: dict[str, float]
    strength_to_input: list[float]
    feedback_drift: float

    @property
    def gains(self) -> dict[str, float]:
        """How much nearer to the teacher the student is than the input, dB, by style."""
        return {style: self.teacher_psnr[style] - self.input_psnr[style] for style in STYLES}

    def gates(self) -> list[Gate]:
        """The table of issue 7, but for the frame rates, which need the engines."""
        psnr = float(np.mean(list(self.autoencoder_psnr.values())))
        return [
            Gate("autoencoder PSNR, mean", psnr, 29.5, 32, "dB"),
            Gate("style nearest to its own teacher", self.right_styles, 27, 30, "of 30"),
            Gate("gallery prompts, right style", self.gallery_right, 10, 10, "of 10"),
            Gate("unseen phrasings, right style", self.unseen_right, 35, 45, "of 50"),
            Gate("gain over the input, worst style", min(self.gains.values()), 2, 5, "dB"),
            Gate("flicker over camera noise, worst", max(self.flicker.values()), 1, 0.5, "", True),
        ]


def psnr(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> float:
    """Decibels between two pictures in 0 to 255."""
    error = np.mean((first.astype(np.float64) - second.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-6)))


def nearest(output: Pixels, renderings: dict[str, Pixels]) -> str:
    """The name of the rendering that the output resembles most."""
    return max(renderings, key=lambda name: psnr(output, renderings[name]))


def renderings(picture: Pixels) -> dict[str, Pixels]:
    """The untouched picture and the ten teachers' versions."""
    return {PHOTO: picture, **{style: paint(style, picture) for style in STYLES}}


def _flicker(student: Student, picture: Pixels, prompt: str) -> float:
    random = np.random.default_rng(0)
    text = student.embed(prompt)
    frames = [picture + random.normal(0, CAMERA_NOISE, picture.shape) for _ in range(2)]
    frames = [np.clip(np.round(frame), 0, 255) for frame in frames]
    outputs = [
        to_floats(student.picture(student.paint(student.latent(frame), text, 0.5)))
        for frame in frames
    ]
    return float(np.abs(outputs[0] - outputs[1]).mean() / np.abs(frames[0] - frames[1]).mean())


def _feedback_drift(student: Student, picture: Pixels, prompt: str) -> float:
    """RMS change, in grey levels, of a still picture's output between frames 30 and 300."""
    text, clean = student.embed(prompt), student.latent(picture)
    previous, early = clean, clean
    for frame in range(FEEDBACK_FRAMES):
        previous = student.paint(clean.lerp(previous, 0.3), text, 0.5)
        if frame == 30:
            early = previous
    late, first = to_floats(student.picture(previous)), to_floats(student.picture(early))
    return float(np.sqrt(np.mean((late - first) ** 2)))


def measure(student: Student, size: int = 512) -> tuple[Figures, npt.NDArray[np.uint8]]:
    """All figures, and the contact sheet.

    The sheet has two rows a picture: the input and its ten teachers, below them the copy through
    the autoencoder and the student's ten.
    """
    frames = pictures.held_out(size)
    painted = {name: renderings(frame) for name, frame in frames.items()}
    copies = {name: student(frame, "", 0.0) for name, frame in frames.items()}
    outputs = {
        name: {style: student(frame, GALLERY[style]) for style in STYLES}
        for name, frame in frames.items()
    }
    found = {
        (name, style): nearest(outputs[name][style], painted[name])
        for name in frames
        for style in STYLES
    }
    recopied = {
        name: {style: student(painted[name][style], "", 0.0) for style in STYLES} for name in frames
    }

    def mean_psnr(pairs: Callable[[str, str], Pixels]) -> dict[str, float]:
        return {
            style: float(
                np.mean([psnr(pairs(name, style), painted[name][style]) for name in frames])
            )
            for style in STYLES
        }

    probe = next(iter(frames))
    unseen = {
        phrase: nearest(student(frames[probe], phrase), painted[probe])
        for phrases in UNSEEN.values()
        for phrase in phrases
    }
    missed = [
        f"{phrase} ({style} taken for {unseen[phrase]})"
        for style, phrases in UNSEEN.items()
        for phrase in phrases
        if unseen[phrase] != style
    ]
    small = pictures.square(frames[probe], 128)
    figures = Figures(
        size=size,
        autoencoder_psnr={name: psnr(copies[name], frames[name]) for name in frames},
        right_styles=sum(style == seen for (_, style), seen in found.items()),
        wrong_styles=[f"{n}: {s} taken for {seen}" for (n, s), seen in found.items() if s != seen],
        gallery_right=sum(found[probe, style] == style for style in STYLES),
        unseen_right=len(unseen) - len(missed),
        unseen_missed=missed,
        teacher_psnr=mean_psnr(lambda name, style: outputs[name][style]),
        input_psnr=mean_psnr(lambda name, _: frames[name]),
        ceiling_psnr=mean_psnr(lambda name, style: recopied[name][style]),
        identity_psnr={p: psnr(student(frames[probe], p), frames[probe]) for p in UNKNOWN},
        flicker={style: _flicker(student, frames[probe], GALLERY[style]) for style in STYLES},
        strength_to_input=[
            psnr(student(frames[probe], GALLERY["cyberpunk"], s), frames[probe]) for s in STRENGTHS
        ],
        feedback_drift=max(_feedback_drift(student, small, GALLERY[s]) for s in DRIFTING),
    )
    rows = [
        np.concatenate([first, *(versions[style] for style in STYLES)], 1)
        for name in frames
        for first, versions in ((frames[name], painted[name]), (copies[name], outputs[name]))
    ]
    return figures, np.concatenate(rows, 0)


def reference(student: Student, size: int = 256) -> dict[str, float]:
    """A few figures that a quick test can repeat: dB to each teacher, `chelsea` at a small size."""
    frame = pictures.held_out(size)["chelsea"]
    teachers = renderings(frame)
    return {
        "size": size,
        PHOTO: psnr(student(frame, "a photo"), frame),
        **{style: psnr(student(frame, GALLERY[style]), teachers[style]) for style in STYLES},
    }


def table(figures: Figures) -> str:
    """The gates and, below, each style's figures, as plain text."""
    lines = [f"{'figure':36s} {'value':>8s} {'gate':>6s} {'aim':>6s}"]
    for gate in figures.gates():
        mark = "ok" if gate.passed else "MISSED"
        lines.append(
            f"{gate.name:36s} {gate.value:8.2f} {gate.gate:6.1f} {gate.aim:6.1f} "
            f"{gate.unit:6s} {mark}"
        )
    lines.append(
        f"\n{'style':14s} {'student':>8s} {'input':>7s} {'gain':>6s} {'copy':>6s} {'flicker':>8s}"
    )
    for style in STYLES:
        lines.append(
            f"{style:14s} {figures.teacher_psnr[style]:8.2f} {figures.input_psnr[style]:7.2f} "
            f"{figures.gains[style]:6.2f} {figures.ceiling_psnr[style]:6.2f} "
            f"{figures.flicker[style]:8.2f}"
        )
    copied = " ".join(f"{name} {value:.2f}" for name, value in figures.autoencoder_psnr.items())
    known = " ".join(f"{name!r} {value:.1f}" for name, value in figures.identity_psnr.items())
    strengths = " ".join(f"{value:.1f}" for value in figures.strength_to_input)
    lines += [
        f"\nautoencoder, dB: {copied}",
        f"no style asked for, dB to the input: {known}",
        f"strength 0 to 0.5 in tenths, dB to the input: {strengths}",
        f"drift under feedback 0.3, frames 30 to {FEEDBACK_FRAMES}, "
        f"in grey levels: {figures.feedback_drift:.2f}",
        *(f"wrong style: {text}" for text in figures.wrong_styles),
        *(f"unseen phrasing missed: {text}" for text in figures.unseen_missed),
    ]
    return "\n".join(lines)


def as_json(figures: Figures) -> dict[str, object]:
    """The figures with the gates' verdicts."""
    return {
        **asdict(figures),
        "gates": [{**asdict(gate), "passed": gate.passed} for gate in figures.gates()],
    }


def write_sheet(sheet: npt.NDArray[np.uint8], path: Path) -> None:
    """The contact sheet as a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), sheet[..., ::-1]):
        raise OSError(f"could not write the contact sheet to {path}")
