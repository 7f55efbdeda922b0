"""processes/: what runs there may die, hang or take all memory, and is asked again in the next conversation."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from onnx_bridge.errors import BridgeError
from onnx_bridge.processes import Conversation, Died, child, conversation

TALKER = "talker:Talker"

forks = pytest.mark.parametrize("forks", [True, False], ids=["fork", "process"])


@forks
def test_arrays_go_there_and_back(forks: bool) -> None:
    sent = [np.ones((3, 4), np.float16).T, np.zeros((0, 2)), np.array(7), np.array(["a", "bcd"]), b"bytes", {"x": (None, 2)}]

    with closing(Conversation(TALKER, forks)) as talk:
        back = talk.ask({"echo": sent})["back"]

    for a, b in zip(sent[:4], back[:4], strict=True):
        assert np.array_equal(a, b) and a.dtype == b.dtype and a.shape == b.shape
    assert back[4:] == sent[4:]


def test_a_conversation_starts_anew_and_keeps_the_process() -> None:
    """A fork each, where there are forks; the process waits for the next one."""
    for kind in (True, False):
        asked = []
        for _ in range(2):
            with closing(Conversation(TALKER, kind)) as talk:
                asked.append([talk.ask({"echo": 0}), talk.ask({"echo": 0})])
                started = talk._child.process.pid
        assert [[a["heard"] for a in pair] for pair in asked] == [[1, 2], [1, 2]]
        processes = [a["process"] for pair in asked for a in pair]
        assert processes[0] == processes[1] and processes[2] == processes[3]
        assert (processes[0] != processes[2]) == (kind and sys.platform == "linux")
        assert kind or processes[0] == started


def test_what_is_refused_there_is_told() -> None:
    with closing(Conversation(TALKER, True)) as talk:
        assert talk.ask({"refuse": "no"}) == {"error": "ValueError", "message": "no"}
        assert talk.ask({"object": 1})["error"] == "TypeError"
        with pytest.raises(TypeError, match="object cannot be handed"):
            talk.ask({"echo": object()})
        assert talk.ask({"echo": 1})["heard"] == 3


@forks
@pytest.mark.parametrize(
    ("word", "value", "says"),
    [
        ("die", signal.SIGSEGV, "signal 11, SIGSEGV"), ("die", signal.SIGABRT, "signal 6, SIGABRT"), ("leave", 7, "status 7"),
        ("die", signal.SIGKILL, "by the system, where memory was short"), ("say", signal.SIGILL, "the last that it said: last words"),
    ],
)  # fmt: skip
def test_a_death_is_told(forks: bool, word: str, value: int, says: str) -> None:
    talk = Conversation(TALKER, forks)

    with pytest.raises(Died, match=says):
        talk.ask({word: int(value)})
    with closing(Conversation(TALKER, forks)) as talk:
        assert talk.fresh and talk.ask({"echo": 1})["back"] == 1


@forks
def test_an_answer_has_its_time(forks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONNX_BRIDGE_SECONDS", "0.2")
    talk = Conversation(TALKER, forks)
    talk.ask({"sleep": 0.01})
    begin = time.perf_counter()

    with pytest.raises(Died, match=r"no answer in 0.2 s \(\$ONNX_BRIDGE_SECONDS\)"):
        talk.ask({"sleep": 20})
    assert time.perf_counter() - begin < 10


@forks
def test_memory_is_bounded(forks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONNX_BRIDGE_GIBIBYTES", "1")
    with closing(Conversation(TALKER, forks)) as talk:
        assert talk.ask({"take": 2**24}) == {"taken": 2**24}
        assert "MemoryError" in talk.ask({"take": 2**31})["error"]


@pytest.mark.parametrize(
    ("variable", "said"), [("ONNX_BRIDGE_SECONDS", "soon"), ("ONNX_BRIDGE_GIBIBYTES", "-1"), ("ONNX_BRIDGE_SECONDS", "nan")]
)
def test_bounds_are_numbers(monkeypatch: pytest.MonkeyPatch, variable: str, said: str) -> None:
    monkeypatch.setenv(variable, said)
    with pytest.raises(BridgeError, match=rf"\${variable} is '{said}', expected a positive number"):
        Conversation(TALKER, True)


def test_threads_talk_at_the_same_time() -> None:
    answers: dict[int, list[int]] = {}

    def talk(number: int) -> None:
        with closing(Conversation(TALKER, True)) as own:
            answers[number] = [own.ask({"echo": number * 100 + i})["back"] for i in range(20)]

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {number: [number * 100 + i for i in range(20)] for number in range(4)}
    assert len(conversation._IDLE[TALKER, sys.platform == "linux"]) <= 2


def test_an_interrupted_question_has_no_late_answer() -> None:
    """Ctrl-C while an answer is awaited: the next question must not get it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    talk = Conversation(TALKER, True)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            talk.ask({"sleep": 2})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    with closing(Conversation(TALKER, True)) as talk:
        assert talk.ask({"echo": 5}) == {"heard": 1, "process": talk.ask({"echo": 0})["process"], "back": 5}


def test_a_conversation_that_is_forgotten_ends() -> None:
    talk = Conversation(TALKER, True)
    process = talk._child.process
    talk.ask({"echo": 1})
    del talk
    gc.collect()

    with closing(Conversation(TALKER, True)) as talk:
        assert talk._child.process is process and talk.ask({"echo": 1})["heard"] == 1


@contextmanager
def no_interpreter(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a program with Python in it that lies alone on a machine."""
    child.interpreter.cache_clear()
    monkeypatch.delenv("ONNX_BRIDGE_PYTHON", raising=False)
    monkeypatch.setattr(sys, "executable", "/usr/bin/analysis")
    monkeypatch.setattr(sys, "exec_prefix", "/nowhere")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(conversation, "_IDLE", {})
    yield
    child.interpreter.cache_clear()


def test_without_an_interpreter_this_process_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with no_interpreter(monkeypatch), closing(Conversation(TALKER, True)) as talk:
        assert "no Python interpreter was found" in talk.here and "$ONNX_BRIDGE_PYTHON" in talk.here
        assert talk.ask({"echo": 1})["process"] == os.getpid()
        assert talk.ask({"refuse": "no"}) == {"error": "ValueError", "message": "no"}


def test_a_program_with_python_in_it_finds_its_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = sys.exec_prefix
    with no_interpreter(monkeypatch):
        monkeypatch.setattr(sys, "exec_prefix", prefix)
        assert Path(str(child.interpreter())).parent == Path(prefix) / "bin"
        monkeypatch.setenv("ONNX_BRIDGE_PYTHON", "/opt/python")
        child.interpreter.cache_clear()
        assert child.interpreter() == "/opt/python"


PROGRAM = """
import os, sys
sys.path.insert(0, {tests!r})
from onnx_bridge.processes import Conversation
talk = Conversation("talker:Talker", True)
here = talk.ask({{"echo": 1}})["process"]
if os.fork() == 0:
    del talk  # must not end its parent's conversation
    other = Conversation("talker:Talker", True)
    assert other.ask({{"echo": 1}})["heard"] == 1 and other.ask({{"echo": 1}})["process"] != here
    sys.exit(3)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 3
assert talk.ask({{"echo": 1}}) == {{"heard": 2, "process": here, "back": 1}}
print(here)
"""


def test_forks_of_the_asking_process_have_processes_of_their_own(tmp_path: Path) -> None:
    """And the end of a program ends its processes without a warning, though a file in its folder is called as one of Python's."""
    (tmp_path / "random.py").write_text("raise SystemExit('imported by mistake')")
    program = tmp_path / "programs" / "program.py"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(tests=str(Path(__file__).parent)))
    ran = subprocess.run([sys.executable, "-W", "error", str(program)], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(ran.stdout), 0)
