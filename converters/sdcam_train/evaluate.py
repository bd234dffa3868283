"""The figures of the gates, measured on pictures that training never saw.

A picture's style is the teacher it is nearest to in mean squared error, among the ten and the
untouched input; its light is the nearest of the sixteen lights on the same teacher. Teachers paint
with the grain that the student has. Flicker is the mean absolute difference between the outputs of
two frames that differ in camera noise only, over that of the frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from . import pictures, scenes
from .dataset import PHOTO, STYLES
from .figures import edge_agreement, lattice, psnr, ssim, stroke_energy
from .lights import LIGHTS
from .prompts import GALLERY, UNSEEN, UNSEEN_LIGHT
from .student import Pixels, Student, to_floats
from .teachers import paint_all, to_pixels

NAMES = (PHOTO, *STYLES)
UNKNOWN = ("", "xyzzy qwop", "a dog wearing a hat", "a person at a desk", "blorf grint")
CAMERA_NOISE = 4.0  # grey levels
STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
FEEDBACK = 0.3
FEEDBACK_FRAMES = 400
RUN_AWAY = 999.0  # the drift of pictures that are no numbers any more
LIT_STYLES = ("oil", "watercolor", "anime")  # with which the words of light are tried
REGULAR = "pop art"  # its halftone repeats with the cell on purpose
PARAMETERS_MB = 16.0


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
            return self.value <= self.gate
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
    lights_right: float  # per cent
    lights_missed: list[str]
    lattice: dict[str, float]  # dB
    teacher_lattice: dict[str, float]
    stroke_energy: dict[str, float]  # the student's over the teacher's
    ssim: dict[str, float]
    teacher_psnr: dict[str, float]
    input_psnr: dict[str, float]
    ceiling_psnr: dict[str, float]
    likeness: dict[str, float]  # edge agreement at eyes and mouth
    teacher_likeness: dict[str, float]
    identity_psnr: dict[str, float]
    flicker: dict[str, float]
    strength_to_input: list[float]
    feedback_drift: dict[str, float]
    megabytes: float

    def gates(self) -> list[Gate]:
        """The table of issue 16, but for the frame rates, which `speed` measures."""
        repeats = max(value for style, value in self.lattice.items() if style != REGULAR)
        energy = list(self.stroke_energy.values())
        copy = float(np.mean(list(self.autoencoder_psnr.values())))
        return [
            Gate("lattice, worst but pop art", repeats, 4, 2.5, "dB", True),
            Gate("style nearest to its own teacher", self.right_styles, 29, 30, "of 30"),
            Gate("gallery prompts, right style", self.gallery_right, 10, 10, "of 10"),
            Gate("unseen phrasings, right style", self.unseen_right, 45, 48, "of 50"),
            Gate("stroke energy, least", min(energy), 0.6, 0.8),
            Gate("stroke energy, most", max(energy), 1.4, 1.2, "", True),
            Gate("SSIM to the teacher, worst style", min(self.ssim.values()), 0.45, 0.6),
            Gate("words of light, right", self.lights_right, 80, 95, "%"),
            Gate(
                "flicker over camera noise, worst", max(self.flicker.values()), 0.5, 0.35, "", True
            ),
            Gate(
                "drift at feedback 0.3, worst",
                max(self.feedback_drift.values()),
                0.5,
                0.1,
                "levels",
                True,
            ),
            Gate("autoencoder PSNR, mean", copy, 29.5, 32, "dB"),
            Gate("size", self.megabytes, PARAMETERS_MB, 10, "MB", True),
        ]


def nearest(output: Pixels, renderings: dict[str, Pixels]) -> str:
    """The name of the rendering that the output resembles most."""
    return max(renderings, key=lambda name: psnr(output, renderings[name]))


def renderings(picture: Pixels, student: Student) -> dict[str, Pixels]:
    """The untouched picture and the ten teachers' versions, with the student's grain."""
    return {PHOTO: picture, **paint_all(picture, student.grain(*picture.shape[:2]))}


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
    """RMS change, in grey levels, of a still picture's output after many frames of feedback.

    Between frame 30 and frame `FEEDBACK_FRAMES`: where the map contracts, what does not move in
    these does not move in the 54,000 of half an hour; where it does not, these are enough.
    """
    text, clean = student.embed(prompt), student.latent(picture)
    previous, early = clean, clean
    for frame in range(FEEDBACK_FRAMES):
        previous = student.paint(clean.lerp(previous, FEEDBACK), text, 0.5)
        if frame == 30:
            early = previous
    late, first = to_floats(student.picture(previous)), to_floats(student.picture(early))
    drift = float(np.sqrt(np.mean((late - first) ** 2)))
    return drift if np.isfinite(drift) else RUN_AWAY


def _lights(student: Student, painted: dict[str, Pixels]) -> tuple[float, list[str]]:
    """How many of the words of light are told from the fifteen others, and which are not.

    Each light is asked for in two unseen phrasings, after the gallery prompt of a style.
    """
    camera = painted[PHOTO]
    right, missed = 0, []
    for number, (light, phrases) in enumerate(UNSEEN_LIGHT.items()):
        style = LIT_STYLES[number % len(LIT_STYLES)]
        plain = painted[style].astype(np.float32) / np.float32(255)
        lit = {name: to_pixels(transform(plain)) for name, transform in LIGHTS.items()}
        for phrase in phrases:
            seen = nearest(student(camera, f"{GALLERY[style]}, {phrase}"), lit)
            right += seen == light
            if seen != light:
                missed.append(f"{style}, {phrase} ({light} taken for {seen})")
    return 100 * right / sum(map(len, UNSEEN_LIGHT.values())), missed


def _likeness(student: Student, size: int) -> tuple[dict[str, float], dict[str, float]]:
    """Edge agreement around eyes and mouth of drawn people: the student's and the teachers'."""
    ours: dict[str, list[float]] = {style: [] for style in STYLES}
    theirs: dict[str, list[float]] = {style: [] for style in STYLES}
    for picture, boxes in scenes.held_out_people(size):
        painted = renderings(picture, student)
        for style in STYLES:
            output = student(picture, GALLERY[style])
            for box in boxes:
                ours[style].append(edge_agreement(picture[box], output[box]))
                theirs[style].append(edge_agreement(picture[box], painted[style][box]))
    return (
        {style: float(np.mean(values)) for style, values in ours.items()},
        {style: float(np.mean(values)) for style, values in theirs.items()},
    )


def _unseen(student: Student, painted: dict[str, Pixels]) -> tuple[int, list[str]]:
    right, missed = 0, []
    for style, phrases in UNSEEN.items():
        for phrase in phrases:
            seen = nearest(student(painted[PHOTO], phrase), painted)
            right += seen == style
            if seen != style:
                missed.append(f"{phrase} ({style} taken for {seen})")
    return right, missed


def measure(
    student: Student, size: int = 512, megabytes: float = 0.0
) -> tuple[Figures, npt.NDArray[np.uint8]]:
    """All figures, and the contact sheet.

    The sheet has two rows a picture: the input and its ten teachers, below them the copy through
    the autoencoder and the student's ten.
    """
    frames = pictures.held_out(size)
    painted = {name: renderings(frame, student) for name, frame in frames.items()}
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

    def mean(figure: Callable[[str, str], float]) -> dict[str, float]:
        return {style: float(np.mean([figure(n, style) for n in frames])) for style in STYLES}

    def energy(style: str) -> float:
        ours = sum(stroke_energy(outputs[name][style]) for name in frames)
        return ours / sum(stroke_energy(painted[name][style]) for name in frames)

    probe = next(iter(frames))
    unseen_right, unseen_missed = _unseen(student, painted[probe])
    lights_right, lights_missed = _lights(student, painted[probe])
    likeness, teacher_likeness = _likeness(student, size)
    small = pictures.square(frames[probe], 128)
    figures = Figures(
        size=size,
        autoencoder_psnr={name: psnr(copies[name], frames[name]) for name in frames},
        right_styles=sum(style == seen for (_, style), seen in found.items()),
        wrong_styles=[f"{n}: {s} taken for {seen}" for (n, s), seen in found.items() if s != seen],
        gallery_right=sum(found[probe, style] == style for style in STYLES),
        unseen_right=unseen_right,
        unseen_missed=unseen_missed,
        lights_right=lights_right,
        lights_missed=lights_missed,
        lattice=mean(lambda name, style: lattice(outputs[name][style])),
        teacher_lattice=mean(lambda name, style: lattice(painted[name][style])),
        stroke_energy={style: energy(style) for style in STYLES},
        ssim=mean(lambda name, style: ssim(outputs[name][style], painted[name][style])),
        teacher_psnr=mean(lambda name, style: psnr(outputs[name][style], painted[name][style])),
        input_psnr=mean(lambda name, style: psnr(frames[name], painted[name][style])),
        ceiling_psnr=mean(lambda name, style: psnr(recopied[name][style], painted[name][style])),
        likeness=likeness,
        teacher_likeness=teacher_likeness,
        identity_psnr={p: psnr(student(frames[probe], p), frames[probe]) for p in UNKNOWN},
        flicker={style: _flicker(student, frames[probe], GALLERY[style]) for style in STYLES},
        strength_to_input=[
            psnr(student(frames[probe], GALLERY["cyberpunk"], s), frames[probe]) for s in STRENGTHS
        ],
        feedback_drift={s: _feedback_drift(student, small, GALLERY[s]) for s in STYLES},
        megabytes=megabytes,
    )
    rows = [
        np.concatenate([first, *(versions[style] for style in STYLES)], 1)
        for name in frames
        for first, versions in ((frames[name], painted[name]), (copies[name], outputs[name]))
    ]
    return figures, np.concatenate(rows, 0)


def fingerprint(student: Student, size: int = 256) -> dict[str, list[float]]:
    """What a quick test can repeat: mean and spread of each style's colours on `chelsea`."""
    frame = pictures.held_out(size)["chelsea"]
    outputs = {name: student(frame, GALLERY.get(name, "a photo")) for name in NAMES}
    return {
        name: [float(value) for value in (*output.mean((0, 1)), *output.std((0, 1)))]
        for name, output in outputs.items()
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
    columns = ("lattice", "(teacher)", "energy", "SSIM", "dB", "input", "copy", "likeness")
    lines.append(
        f"\n{'style':14s}" + "".join(f"{name:>10s}" for name in (*columns, "flicker", "drift"))
    )
    for style in STYLES:
        values = (
            figures.lattice[style],
            figures.teacher_lattice[style],
            figures.stroke_energy[style],
            figures.ssim[style],
            figures.teacher_psnr[style],
            figures.input_psnr[style],
            figures.ceiling_psnr[style],
            figures.likeness[style],
            figures.flicker[style],
            figures.feedback_drift[style],
        )
        lines.append(f"{style:14s}" + "".join(f"{value:10.2f}" for value in values))
    worst = min(figures.likeness, key=figures.likeness.__getitem__)
    copied = " ".join(f"{name} {value:.2f}" for name, value in figures.autoencoder_psnr.items())
    known = " ".join(f"{name!r} {value:.1f}" for name, value in figures.identity_psnr.items())
    strengths = " ".join(f"{value:.1f}" for value in figures.strength_to_input)
    lines += [
        f"\nlikeness (edges at eyes and mouth), worst: {worst} {figures.likeness[worst]:.2f}, "
        f"its teacher {figures.teacher_likeness[worst]:.2f}",
        f"autoencoder, dB: {copied}",
        f"no style asked for, dB to the input: {known}",
        f"strength 0 to 0.5 in tenths, dB to the input: {strengths}",
        *(f"wrong style: {text}" for text in figures.wrong_styles),
        *(f"unseen phrasing missed: {text}" for text in figures.unseen_missed),
        *(f"light missed: {text}" for text in figures.lights_missed),
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
