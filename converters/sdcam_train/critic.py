"""A small patch discriminator: tells a teacher's brush from the student's, for the end of training.

It sees the picture beside the frame that it was painted from and knows the style, so it can also
say whether strokes follow the forms. Its features serve as a loss of their own (feature matching,
Salimans et al. 2016; Wang et al., pix2pixHD, 2018), which keeps the game from running away.
"""

# mypy: disable-error-code="misc"
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 96)


class PatchCritic(nn.Module):
    """Scores of patches of about 30 pixels: above 0 for a teacher's, below for a student's."""

    def __init__(self, styles: int) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(24, first, 3, 1, 1),
                nn.Conv2d(first, second, 4, 2, 1),
                nn.Conv2d(second, third, 4, 2, 1),
            ]
        )
        self.score = nn.Conv2d(third, 1, 3, 1, 1)
        self.style = nn.Embedding(styles, third)
        nn.init.normal_(self.style.weight, std=0.1)

    def forward(self, picture: Tensor, frame: Tensor, style: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Scores (N, 1, H / 8, W / 8) and the layers' features, of pictures (N, 3, H, W)."""
        x = functional.pixel_unshuffle(torch.cat([picture, frame], 1), 2)
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        match = (x * self.style(style)[..., None, None]).sum(1, keepdim=True)
        return self.score(x) + match, features


def losses(
    critic: PatchCritic, output: Tensor, target: Tensor, frame: Tensor, style: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What the critic pays (hinge), what the student pays, and the distance of the features.

    The first trains the critic alone, the other two the student alone.
    """
    real, _ = critic(target, frame, style)
    fake, _ = critic(output.detach(), frame, style)
    judging = functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
    fixed = {name: parameter.detach() for name, parameter in critic.named_parameters()}
    judged, seen = torch.func.functional_call(critic, fixed, (output, frame, style))
    with torch.no_grad():
        _, wanted = critic(target, frame, style)
    matching = torch.stack([(a - b).abs().mean() for a, b in zip(seen, wanted, strict=True)])
    return judging, -judged.mean(), matching.mean()
