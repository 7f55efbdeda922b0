"""What answers in the other processes of tests/test_processes.py."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np


class Talker:
    """Does what it is told."""

    def __init__(self) -> None:
        self.heard = 0

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """One word, one deed."""
        self.heard += 1
        ((word, value),) = message.items()
        if word == "say":
            print("last words", flush=True)
        if word in ("die", "say"):
            os.kill(os.getpid(), value)
        if word == "leave":
            os._exit(value)
        if word == "sleep":
            time.sleep(value)
        if word == "take":
            return {"taken": len(np.ones(value, np.uint8))}
        if word == "object":
            return {"object": object()}
        if word == "refuse":
            raise ValueError(value)
        return {"heard": self.heard, "process": os.getpid(), "back": value}
