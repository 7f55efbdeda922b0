"""What a target is: an instruction set that a header may hold a body for."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Architecture:
    """A family of processors, as a compiler tells it from others.

    Attributes:
        macro: what the compiler defines for it; "" for any processor.
        asks: C++ statements that a target's `detected` may use, in a function of its own.
        include: the system header that they need; "".
    """

    macro: str
    asks: str = ""
    include: str = ""


@dataclass(frozen=True)
class Target:
    """An instruction set that a header may hold a body for.

    Attributes:
        name: a C++ name: the body's namespace, its enumerator in `Body`, and what `compile(body=...)` takes.
        number: what it is in `Body` and what `ONNX_BRIDGE_ONLY` is defined as; never given to another.
        lanes: how many float32 a vector has.
        registers: how many vectors the processor holds.
        architecture: the processors that can have it.
        features: what a kernel may ask for, as `#if defined(ONNX_BRIDGE_HAS_<FEATURE>)`: instructions that not every target of these lanes
            has. A kernel that asks for one makes the headers that it is in hold a body more (see `bodies_that_differ`).
        gcc, clang: the target attribute of the body's functions as each compiler spells it; "" where they need none.
        detected: a C++ expression, true where this processor and this system can run it.
    """

    name: str
    number: int
    lanes: int
    registers: int
    architecture: Architecture
    features: frozenset[str] = frozenset()
    gcc: str = ""
    clang: str = ""
    detected: str = "true"

    def with_more(self, name: str, number: int, *, features: set[str], gcc: str, clang: str = "", detected: str) -> Target:
        """A target that has all that this one has, and more."""
        return replace(
            self,
            name=name,
            number=number,
            features=self.features | features,
            gcc=_joined(self.gcc, gcc),
            clang=_joined(self.clang, clang or gcc),
            detected=f"{self.detected} && {detected}" if self.detected != "true" else detected,
        )

    def tells_apart(self, words: frozenset[str]) -> tuple[object, ...]:
        """What a body's text depends on, where the kernels use these words of the preprocessor."""
        registers = self.registers if REGISTERS in words else 0
        return self.lanes, registers, frozenset(f for f in self.features if has(f) in words)

    def includes(self, other: Target) -> bool:
        """Whether every processor that runs this one runs the other, which is another one."""
        return (
            self is not other
            and other.architecture.macro in ("", self.architecture.macro)
            and other.features <= self.features
            and (other.architecture.macro, other.features) != (self.architecture.macro, self.features)
        )


#: The macro that a kernel finds the number of registers in.
REGISTERS = "ONNX_BRIDGE_REGISTERS"


def has(feature: str) -> str:
    """The macro by which a kernel asks for a feature."""
    return f"ONNX_BRIDGE_HAS_{feature.upper()}"


def _joined(*attributes: str) -> str:
    return ",".join(filter(None, attributes))
