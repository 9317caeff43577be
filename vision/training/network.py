"""A small anchor-free detector: one cell per 4 x 4 pixels says what is centred there.

Each cell gives a score per class and the distances to the four sides of its box. The stride
of 4 keeps a 12-pixel heap apart from its neighbour; context comes from strides 8, 16 and 32.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
CLASSES = ("car", "truck", "bus", "minibus", "waste")


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):  # type: ignore[misc,unused-ignore]
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class AerialNet(nn.Module):  # type: ignore[misc,unused-ignore]
    """The network; about 1.0 million parameters."""

    def __init__(self, widths: tuple[int, int, int, int, int] = (16, 24, 48, 80, 112)) -> None:
        """Takes the channels at strides 2, 4, 8, 16 and 32."""
        super().__init__()
        a, b, c, d, e = widths
        self.to4 = nn.Sequential(_conv(3, a, 3, 2), _conv(a, b, 3, 2), _conv(b, b))
        self.to8 = nn.Sequential(_conv(b, c, 3, 2), _Residual(c), _Residual(c))
        self.to16 = nn.Sequential(_conv(c, d, 3, 2), _Residual(d), _Residual(d))
        self.to32 = nn.Sequential(_conv(d, e, 3, 2), _Residual(e), _Residual(e))
        self.from32, self.mix16 = _conv(e, d, 1), _conv(d, d)
        self.from16, self.mix8 = _conv(d, c, 1), _conv(c, c)
        self.from8, self.side4, self.mix4 = _conv(c, 32, 1), _conv(b, 32, 1), _conv(32, 32)
        self.head = _conv(32, 32)
        self.score = nn.Conv2d(32, len(CLASSES), 1)
        self.sides = nn.Conv2d(32, 4, 1)
        nn.init.constant_(self.score.bias, -4.0)
        nn.init.constant_(self.sides.bias, 0.5)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Takes BGR 0..255 (n, 3, h, w); gives score logits and sides in pixels at stride 4.

        The sides are distances from the middle of the cell to left, top, right, bottom.
        """
        x4 = self.to4((pictures - 112.0) / 60.0)
        x8 = self.to8(x4)
        x16 = self.to16(x8)
        x32 = self.to32(x16)
        x16 = self.mix16(x16 + _double(self.from32(x32)))
        x8 = self.mix8(x8 + _double(self.from16(x16)))
        x4 = self.mix4(self.side4(x4) + _double(self.from8(x8)))
        x = self.head(x4)
        return self.score(x), torch.exp(self.sides(x).clamp(-4.0, 4.5)) * STRIDE


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


class ExportNet(nn.Module):  # type: ignore[misc,unused-ignore]
    """The network as shipped: one tensor (n, 9, h/4, w/4), scores 0..1 first, then sides."""

    def __init__(self, net: AerialNet) -> None:
        """Takes a trained network."""
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """Takes BGR 0..255 (n, 3, h, w)."""
        scores, sides = self.net(pictures)
        return torch.cat([torch.sigmoid(scores), sides], dim=1)
