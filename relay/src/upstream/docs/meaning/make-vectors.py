"""Writes vectors.bin from a WordLlama release (the wheel of wordllama 0.4.0).

    pip install wordllama safetensors numpy
    python make-vectors.py

It keeps the pieces that are written in Latin letters, takes the first 128 of 256
dimensions (the vectors were learnt so that a prefix stands for the whole), and
rounds each vector to 8 bits with a scale of its own.
"""

import json
import pathlib
import struct
import unicodedata

import numpy as np
import wordllama
from safetensors.numpy import load_file

DIMENSIONS = 128
# Below are the marks of control and single bytes.
FIRST_PIECE = 259
HERE = pathlib.Path(__file__).parent
PACKAGE = pathlib.Path(wordllama.__file__).parent


def is_latin(piece):
    text = piece.replace("\u2581", "")
    return bool(text) and all(
        (c.isascii() and (c.isalnum() or c in "-'.+#/_&@%$"))
        or (c.isalpha() and "LATIN" in unicodedata.name(c, ""))
        or c == "\u20ac"
        for c in text
    )


weights = load_file(PACKAGE / "weights/l2_supercat_256.safetensors")["embedding.weight"]
tokenizer = json.loads((PACKAGE / "tokenizers/l2_supercat_tokenizer_config.json").read_text())
in_order = sorted(tokenizer["model"]["vocab"].items(), key=lambda piece: piece[1])
kept = [(piece, at) for piece, at in in_order if at >= FIRST_PIECE and is_latin(piece)]

out = bytearray(struct.pack("<4sHHI", b"cwm1", DIMENSIONS, 0, len(kept)))
for piece, _ in kept:
    encoded = piece.encode()
    out += struct.pack("<B", len(encoded)) + encoded
vectors = np.stack([weights[at, :DIMENSIONS].astype(np.float32) for _, at in kept])
scales = np.abs(vectors).max(axis=1) / 127
out += scales.astype("<f4").tobytes()
out += np.round(vectors / scales[:, None]).astype(np.int8).tobytes()
(HERE / "vectors.bin").write_bytes(out)
print(f"{len(kept)} pieces, {len(out)} bytes")
