"""Writes the trained network as ONNX."""

from pathlib import Path

import torch

from vision.training.network import AerialNet, ExportNet


def export(checkpoint: Path, target: Path) -> None:
    """Writes the running mean of a checkpoint; batch, height and width stay free.

    Height and width must be multiples of 32.
    """
    net = AerialNet()
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["mean"])
    whole = ExportNet(net).eval()
    torch.onnx.export(
        whole,
        (torch.zeros(1, 3, 384, 640),),
        str(target),
        input_names=["pictures"],
        output_names=["cells"],
        dynamic_axes={
            "pictures": {0: "pictures", 2: "height", 3: "width"},
            "cells": {0: "pictures", 2: "rows", 3: "columns"},
        },
        opset_version=17,
        dynamo=False,
    )
