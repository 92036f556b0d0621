"""Trains nothing, exports everything: the QKeras networks of this folder, as qonnx converts them.

Run it in an environment of its own (it needs TensorFlow, which levelone does not)::

    pip install tensorflow-cpu==2.15.1 qkeras==0.9.0 tf2onnx==1.16.1 qonnx==0.4.0 onnx==1.15.0 "numpy<2"
    python tests/graph/qkeras/make.py tests/graph/qkeras

Weights are random with a fixed seed. Beside each network (`.npz`): inputs and the logits that Keras computes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import tensorflow as tf
from qkeras import QActivation, QConv2D, QDense, quantized_bits, quantized_relu, ternary
from qkeras.quantizers import binary
from qonnx.converters import from_keras
from tensorflow.keras.layers import Activation, Flatten, Input, MaxPooling2D
from tensorflow.keras.models import Model


def bits(width: int, integer: int = 0):
    return quantized_bits(width, integer, alpha=1)


def dense():
    """Weights of 6 bits, biases, quantised Relus, softmax; no quantiser on the input.

    (qonnx 0.4 misplaces or drops a QActivation that is no Relu, so there is none here.)
    """
    x = y = Input((10,), name="x")
    y = QDense(8, kernel_quantizer=bits(6), bias_quantizer=bits(6), name="fc1")(y)
    y = QActivation(quantized_relu(6, 2), name="act1")(y)
    y = QDense(3, kernel_quantizer=bits(6, 1), bias_quantizer=bits(6), name="fc2")(y)
    return Model(x, Activation("softmax", name="probability")(y))


def images():
    """Channels last, strided, pooled and flattened; ternary and binary weights; no quantiser on the input."""
    x = y = Input((8, 8, 2), name="images")
    y = QConv2D(4, 3, padding="same", kernel_quantizer=bits(4), bias_quantizer=bits(5), name="conv1")(y)
    y = QActivation(quantized_relu(4, 2), name="act1")(y)
    y = MaxPooling2D(2, name="pool1")(y)
    y = QConv2D(
        3,
        2,
        strides=2,
        kernel_quantizer=ternary(alpha=1, threshold=0.5),
        bias_quantizer=bits(5),
        name="conv2",
    )(y)
    y = QActivation(quantized_relu(5, 3), name="act2")(y)
    y = Flatten(name="flat")(y)
    return Model(x, QDense(2, kernel_quantizer=binary(alpha=1), bias_quantizer=bits(4), name="logits")(y))


def main(folder: Path) -> None:
    for make in (dense, images):
        tf.keras.utils.set_random_seed(3)
        model = make()
        rng = np.random.default_rng(4)
        model.set_weights([rng.normal(size=w.shape) * 0.4 for w in model.get_weights()])
        network, _ = from_keras(model, name=make.__name__, opset=13)
        onnx.save(network.model if hasattr(network, "model") else network, folder / f"{make.__name__}.onnx")
        last = model.layers[-1]
        logits = Model(model.input, last.input) if isinstance(last, Activation) else model
        real = (rng.integers(-128, 128, size=(50, *model.input_shape[1:])) / 32).astype(np.float32)
        np.savez_compressed(folder / f"{make.__name__}.npz", real=real, predicted=logits.predict(real))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
