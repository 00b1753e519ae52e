"""Export to ONNX (opset 17, dynamic batch and token lengths, LoRA merged), and reference outputs for parity."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from .encoders import AudioEncoder, VisualEncoder
from .foundation import FoundationModel
from .questions import VOCABULARY
from .recipe import CLIP_SAMPLES, FEATURE_DIM, IMAGE_SIZE, MODEL_DIM, PATCHES, TOKEN_DIM
from .transceiver import Transceiver

OPSET = 17


class AnswerModel(nn.Module):
    """Receivers and foundation model in one graph."""

    def __init__(self, model: FoundationModel, parts: Transceiver) -> None:
        super().__init__()
        self.model, self.parts = model, parts

    def forward(
        self,
        visual: Tensor,
        visual_positions: Tensor,
        audio: Tensor,
        audio_positions: Tensor,
        text: Tensor,
        text_length: Tensor,
    ) -> Tensor:
        received = torch.cat(
            [
                self.parts.visual_receiver(visual) + visual_positions,
                self.parts.audio_receiver(audio) + audio_positions,
            ],
            dim=1,
        )
        return self.model.answer(received, self.parts.text_receiver(text), text_length)


def load_encoders(frozen: dict[str, Any]) -> tuple[VisualEncoder, AudioEncoder]:
    """Both encoders in inference mode."""
    visual, audio = VisualEncoder(), AudioEncoder()
    visual.load_state_dict(frozen["visual"]["state"])
    audio.load_state_dict(frozen["audio"]["state"])
    return visual.requires_grad_(False).eval(), audio.requires_grad_(False).eval()


def _export(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    path: Path,
    names: list[str],
    axes: dict[str, Any],
    output: str,
    output_shape: list[int],
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            str(path),
            opset_version=OPSET,
            input_names=names,
            output_names=[output],
            dynamic_axes=axes,
            do_constant_folding=True,
        )
    graph = onnx.load(str(path))
    onnx.checker.check_model(graph)
    # Names of source files in node descriptions would leak this machine's paths.
    for node in graph.graph.node:
        node.doc_string = ""
    # Tracing forgets sizes behind a normalisation; the batch is the only free one.
    for size, value in zip(graph.graph.output[0].type.tensor_type.shape.dim[1:], output_shape):
        size.dim_value = value
    onnx.save(graph, str(path))


def export_graphs(
    folder: Path, visual: VisualEncoder, audio: AudioEncoder, model: FoundationModel, parts: Transceiver
) -> dict[str, Any]:
    """Write the three graphs; returns their description for the manifest."""
    _export(
        visual,
        (torch.zeros(2, IMAGE_SIZE, IMAGE_SIZE),),
        folder / "visual-encoder.onnx",
        ["pixels"],
        {"pixels": {0: "batch"}, "features": {0: "batch"}},
        "features",
        [PATCHES, FEATURE_DIM],
    )
    _export(
        audio,
        (torch.zeros(2, CLIP_SAMPLES),),
        folder / "audio-encoder.onnx",
        ["waveform"],
        {"waveform": {0: "batch"}, "features": {0: "batch"}},
        "features",
        [PATCHES, FEATURE_DIM],
    )
    lengths = torch.tensor([5, 7], dtype=torch.int64)
    inputs = (
        torch.randn(2, 12, TOKEN_DIM),
        torch.randn(12, MODEL_DIM),
        torch.randn(2, 20, TOKEN_DIM),
        torch.randn(20, MODEL_DIM),
        torch.randn(2, 7, MODEL_DIM),
        lengths,
    )
    axes = {
        "visual": {0: "batch", 1: "visual_tokens"},
        "visual_positions": {0: "visual_tokens"},
        "audio": {0: "batch", 1: "audio_tokens"},
        "audio_positions": {0: "audio_tokens"},
        "text": {0: "batch", 1: "text_tokens"},
        "text_length": {0: "batch"},
        "logits": {0: "batch"},
    }
    names = [name for name in axes if name != "logits"]
    _export(
        AnswerModel(model, parts).eval(), inputs, folder / "answer-model.onnx", names, axes, "logits", [len(VOCABULARY)]
    )
    files = ("visual-encoder", "audio-encoder", "answer-model")
    roles = ("visualEncoder", "audioEncoder", "answerModel")
    return {role: describe(folder / f"{file}.onnx") for role, file in zip(roles, files)}


def describe(path: Path) -> dict[str, Any]:
    """Inputs and outputs of a graph as they stand in the manifest; a dynamic size is a string."""
    graph = onnx.load(str(path)).graph

    def tensor(value: Any) -> dict[str, Any]:
        kind = value.type.tensor_type
        shape = [size.dim_param or size.dim_value for size in kind.shape.dim]
        return {"name": value.name, "type": {1: "float32", 7: "int64"}[kind.elem_type], "shape": shape}

    return {
        "file": path.name,
        "opset": OPSET,
        "inputs": [tensor(value) for value in graph.input],
        "outputs": [tensor(value) for value in graph.output],
    }


def write_float32(path: Path, values: Tensor | np.ndarray) -> dict[str, Any]:
    """Raw little-endian row-major float32; returns its description."""
    array = np.ascontiguousarray(np.asarray(values), dtype="<f4")
    path.write_bytes(array.tobytes())
    return {"file": path.name, "type": "float32", "shape": list(array.shape)}


def export_tables(folder: Path, model: FoundationModel, parts: Transceiver) -> dict[str, Any]:
    """Tables that the users and the base station apply outside the graphs."""
    assert model.visual_positions.shape == (PATCHES, MODEL_DIM) and FEATURE_DIM == 64
    tables = {
        "wordEmbedding": model.words,
        "visualPositions": model.visual_positions,
        "audioPositions": model.audio_positions,
        "visualProjectionWeight": parts.visual_projection.weight,
        "visualProjectionBias": parts.visual_projection.bias,
        "audioProjectionWeight": parts.audio_projection.weight,
        "audioProjectionBias": parts.audio_projection.bias,
    }
    kebab = {name: "".join(f"-{c.lower()}" if c.isupper() else c for c in name) for name in tables}
    return {name: write_float32(folder / f"{kebab[name]}.f32", value.detach()) for name, value in tables.items()}
