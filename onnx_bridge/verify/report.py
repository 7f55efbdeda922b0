"""What was compared, and how it came out."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One output over all inputs of a verification.

    Attributes:
        output: its name.
        samples: how many calls were compared.
        values: how many numbers.
        worst: largest absolute difference from the reference.
        scale: largest magnitude of the reference's finite values.
        allowed: what `worst` was allowed to be, at the call where it was nearest to it.
        equal: share of the numbers that are equal bit for bit.
        passed: whether every call was within what is allowed.
        conditioning: whether the model's own conditioning, not the fixed rule, set `allowed`.
        sizes: the run-time sizes of the worst call.
        against: the reference.
        tied: whether positions differ, of values that are equal.
        decided: who decided, and why, where the rule did not hold.
    """

    output: str
    samples: int
    values: int
    worst: float
    scale: float
    allowed: float
    equal: float
    passed: bool
    conditioning: bool = False
    sizes: str = ""
    against: str = ""
    tied: bool = False
    decided: str = ""

    def __str__(self) -> str:
        note = " (set by the model's own conditioning)" if self.conditioning else ""
        bits = "equal bits" if self.equal == 1 else f"{100 * self.equal:.1f} % equal bits"
        beside = f" beside {self.against}" if self.against else ""
        ties = ", other positions where values tie" if self.tied else ""
        return (
            f"{self.output}{beside}: {self.samples} calls, worst difference {self.worst:.2g} where |y| <= {self.scale:.3g}, "
            f"allowed {self.allowed:.2g}{note}, {bits}{ties}{f'; {self.decided}' if self.decided else ''}"
        )


@dataclass
class Report:
    """What happened on the way: repairs, fusions, refusals, and what was compared.

    Attributes:
        name: of the model.
        notes: what was done, a line a thing.
        rows: what was compared: each output with each reference.
        reference: the names of the references.
        stages: how many seconds each stage took.
        suspect: the first tensor that differs, where one does.
        inputs: what it was compared with.
        log: what a framework and its exporter printed.
        narrowed: where the model takes fewer sizes than its file leaves open.
        refused: sizes that were not compared, and who refused them, why.
    """

    name: str
    notes: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    reference: str = ""
    stages: dict[str, float] = field(default_factory=dict)
    suspect: str = ""
    inputs: str = ""
    log: str = ""
    narrowed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether something was compared and all of it agreed."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    def proof(self) -> list[str]:
        """The lines of the header's banner."""
        if not self.rows:
            return []
        refused = [f"not compared: {line}" for line in self.refused]
        return [f"against {self.reference}, {self.inputs}", *refused, *(str(row) for row in self.rows)]

    def table(self) -> str:
        """The comparison as a table; where there are several references, each row says which one is meant."""
        several = len({row.against for row in self.rows}) > 1
        head = ("output", *(["against"] if several else []), "calls", "values", "worst", "allowed", "max |y|", "equal bits", "")
        body = [
            (
                row.output, *([row.against] if several else []), str(row.samples), str(row.values), f"{row.worst:.3g}",
                f"{row.allowed:.3g}{'*' if row.conditioning else ''}", f"{row.scale:.4g}", f"{100 * row.equal:.1f} %",
                _outcome(row),
            )
            for row in self.rows
        ]  # fmt: skip
        widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in (head, *body)]
        if any(row.conditioning for row in self.rows):
            lines.append("* set by the model's own conditioning: the reference's own answer moves this far when only its rounding changes")
        lines += [f"{row.output}: {row.decided}" for row in self.rows if row.decided]
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = [f"{self.name}", *(f"  NARROWED: {found}" for found in self.narrowed)]
        lines += [f"  {note}" for note in self.notes]
        if self.rows:
            lines += [f"compared with {self.reference}, {self.inputs}:", self.table(), *(f"NOT COMPARED: {line}" for line in self.refused)]
        else:
            lines.append("not compared with anything")
        if self.suspect:
            lines.append(self.suspect)
        if self.stages:
            lines.append("stages: " + ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in self.stages.items()))
        return "\n".join(lines)


def _outcome(row: Row) -> str:
    if not row.passed:
        return f"FAILS{f' at {row.sizes}' if row.sizes else ''}"
    return f"ok{', ties' if row.tied else ''}{', see below' if row.decided else ''}"
