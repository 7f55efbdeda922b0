"""Writes tests/golden/ anew: the headers that tests/test_golden.py compares with what is emitted now.

After a change of kernels or emission that is meant. Of conflicts in that folder nothing needs to be read: run this, and add the folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
from golden_nets import FOLDER, GOLDEN, made


def main() -> None:
    """Writes each net's files, says which are different now, and removes those of nets that are no more."""
    files = {file: text for name in GOLDEN for file, text in made(name).items()}
    for old in FOLDER.iterdir() if FOLDER.is_dir() else ():
        if old.name not in files:
            print("removed", old.name)
            old.unlink()
    FOLDER.mkdir(exist_ok=True)
    for file, text in files.items():
        data = text.encode("ascii")
        if not (FOLDER / file).is_file() or (FOLDER / file).read_bytes() != data:
            print("written", file)
            (FOLDER / file).write_bytes(data)


if __name__ == "__main__":
    main()
