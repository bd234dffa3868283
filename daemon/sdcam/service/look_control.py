"""Which look the model gets: the wanted one, unless the model has no trained word of its prompt."""

from __future__ import annotations

import threading
from dataclasses import replace

from sdcam.errors import SdcamError
from sdcam.pipeline.look import Look, unknown_prompt
from sdcam.settings import Settings
from sdcam.settings.styles import neighbour
from sdcam.workers.records import StyledFrame


class LookControl:
    """The one place that knows which prompt is wanted, which is refused and which is on air. For
    any thread.

    Attributes:
        look: what the model should show.
        notice: why `look` has another prompt than the settings; None when it has theirs.
    """

    def __init__(self, settings: Settings) -> None:
        self.look = look_of(settings)
        self.notice: SdcamError | None = None
        self._wanted = self.look
        self._on_air = self.look.prompt
        self._settings = settings
        self._lock = threading.Lock()

    @property
    def prompt_on_air(self) -> str:
        """The prompt of the newest styled frame that the model knew."""
        return self._on_air

    def configure(self, settings: Settings) -> None:
        """Applies the look of changed settings. A refused prompt stays refused until another one is
        wanted."""
        with self._lock:
            self._settings = settings
            wanted = look_of(settings)
            refused = self.notice is not None and wanted.prompt == self._wanted.prompt
            self._wanted = wanted
            self.look = replace(wanted, prompt=self.look.prompt) if refused else wanted
            if not refused:
                self.notice = None

    def model_changed(self) -> None:
        """Another model may know the prompt that the last one refused."""
        with self._lock:
            self.look, self.notice = self._wanted, None

    def styled(self, styled: StyledFrame) -> bool:
        """Takes note of a styled frame. True if its prompt was refused, which changes `look`."""
        prompt = styled.frame.look.prompt
        if not styled.frame.prompt_refused:
            self._on_air = prompt
            return False
        with self._lock:
            if prompt != self.look.prompt:  # no longer wanted
                return False
            self.look = replace(self.look, prompt=self._on_air)
            self.notice = unknown_prompt(styled.spec.model, prompt)
            return True

    def fall_back(self, fault: SdcamError) -> bool:
        """The model refused the prompt that it should begin with: takes the first style of the
        gallery instead. False if that is what was refused."""
        with self._lock:
            style = next(iter(self._settings.styles.values()))
            if self.look.prompt == style:
                return False
            self.look = replace(self.look, prompt=style)
            self.notice = fault
            return True

    def neighbour(self, step: int) -> str:
        """The name of the style that is `step` further in the gallery than the one on air."""
        with self._lock:
            prompt = self._settings.look.prompt if self.notice is None else self.look.prompt
            return neighbour(self._settings.styles, prompt, step)


def look_of(settings: Settings) -> Look:
    look = settings.look
    return Look(
        prompt=settings.prompt_text(),
        strength=look.strength,
        feedback=look.feedback,
        smoothing=look.smoothing,
        transition_seconds=look.transition_seconds,
        seed=look.seed,
        steps=look.steps,
        similarity=look.similarity,
    )
