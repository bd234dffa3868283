"""GroupNorm as it is traced: torch's own results, and none that half precision cannot hold."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("coremltools")


def norms():
    from sdcam_convert.coreml.tracing import GroupNorm

    torch.manual_seed(0)
    norm = torch.nn.GroupNorm(8, 64)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm, GroupNorm(norm)


@pytest.mark.parametrize("spread", [1e-3, 1.0, 500.0])
@torch.no_grad()
def test_it_agrees_with_torch(spread):
    norm, ours = norms()
    x = spread * torch.randn(1, 64, 20, 12) + 0.5 * spread
    torch.testing.assert_close(ours.forward(x), norm(x), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_activations_of_several_hundred_stay_finite_in_half_precision():
    norm, ours = norms()
    x = (200 * torch.randn(1, 64, 20, 12)).clamp(-560, 560)
    assert (x.half() ** 2).isinf().any()  # what the square of the plain one makes of them
    expected = norm(x)
    got = ours.forward(x.half())
    assert got.isfinite().all()
    assert (got.float() - expected).norm() / expected.norm() < 3e-3
