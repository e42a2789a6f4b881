"""Features of VGG19 (Simonyan and Zisserman, 2015), for a perceptual loss. Its weights are the user's to bring."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors import SafetensorError, safe_open

from protocol.errors import FormatError
from protocol.storage import reporting

# Channels of the layers up to conv5_2; None halves the picture. torchvision counts a ReLU behind each.
_LAYERS = (64, 64, None, 128, 128, None, 256, 256, 256, 256, None, 512, 512, 512, 512, None, 512, 512)
_KEPT = (1, 4, 7, 12, 17)  # conv1_2, conv2_2, conv3_2, conv4_2, conv5_2 (Zhou et al., 2018, section 3.4)
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vgg:
    """The first layers of VGG19 with a file's weights."""

    def __init__(self, path: Path, device: torch.device) -> None:
        """Reads a safetensors file with torchvision's names (features.0.weight, ...).

        Raises:
            FormatError: it holds no weights of VGG19. StorageError: it is unreadable.
        """
        with reporting(path, "read"):
            path.stat()
        if not path.is_file():
            raise FormatError(f"{path}: no file; give torchvision's vgg19 weights as safetensors")
        self._filters: list[tuple[torch.Tensor, torch.Tensor] | None] = []
        place, channels = 0, 3
        try:
            with safe_open(path, framework="pt") as file:
                for width in _LAYERS:
                    if width is None:
                        self._filters.append(None)
                        place += 1
                        continue
                    weight, bias = (file.get_tensor(f"features.{place}.{part}") for part in ("weight", "bias"))
                    if weight.shape != (width, channels, 3, 3) or bias.shape != (width,):
                        raise FormatError(
                            f"{path}: 'features.{place}.weight' is {tuple(weight.shape)}, VGG19 has "
                            f"{(width, channels, 3, 3)}; give torchvision's vgg19 weights as safetensors"
                        )
                    self._filters.append((weight.float().to(device), bias.float().to(device)))
                    place, channels = place + 2, width
        except SafetensorError as error:
            raise FormatError(f"{path}: {error}; give torchvision's vgg19 weights as safetensors") from error
        self._mean, self._spread = (torch.tensor(v, device=device)[:, None, None] for v in (_MEAN, _SPREAD))

    def distance(self, seen: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Mean absolute difference of the features of two pictures (3, H, W) in 0..1, over five layers."""
        pair = (torch.stack([seen, truth]) - self._mean) / self._spread
        total = pair.new_zeros(())
        for number, layer in enumerate(self._filters):
            if layer is None:
                pair = functional.max_pool2d(pair, 2, ceil_mode=True)
                continue
            pair = functional.relu(functional.conv2d(pair, *layer, padding=1))
            if number in _KEPT:
                total = total + (pair[0] - pair[1]).abs().mean() / len(_KEPT)
        return total
