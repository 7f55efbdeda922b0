"""The templates of a header, face.hxx and body.hxx, and the parts of its face that are read from files."""

from __future__ import annotations

import re
from pathlib import Path

from onnx_bridge.emit.amalgamate import kernel_part


def filled(template: str, texts: dict[str, str]) -> str:
    """A template of this folder with its @PLACES@ filled in, but for what is not known yet."""
    text = (Path(__file__).parent / template).read_text(encoding="ascii")
    return re.sub(r"@([A-Z_]+)@", lambda match: texts.get(match[1], match[0]), text)


def parts(texts: dict[str, str]) -> dict[str, str]:
    """What the rest of the face uses of the files that stand in it."""
    planned = "".join(texts[name] for name in ("PLAN", "TAKES", "OUTPUT_SIZES"))
    rest = "".join(text for name, text in texts.items() if name not in ("PLAN", "TAKES", "OUTPUT_SIZES", "KERNELS", "BANNER"))
    return {
        "WEIGHTS_FILE": kernel_part("weights_file.hxx", rest),
        "CHECKED_SIZES": kernel_part("checked_size.hxx", planned),
        "WHOLE_SIZES": kernel_part("whole_size.hxx", rest),
    }
