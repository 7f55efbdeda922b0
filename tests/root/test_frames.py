"""Columns of an RDataFrame that a network computes, beside onnxruntime on every event."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

ROOT = pytest.importorskip("ROOT", reason="ROOT is not installed (pip install root)")
import nets  # noqa: E402 - after the test whether there is ROOT

from onnx_bridge.errors import ArgumentError, BridgeError  # noqa: E402
from onnx_bridge.root import declare, define, write  # noqa: E402

#: A file of events: numbers and lists of numbers of several types.
EVENTS = """
   Define("pt", "float(std::exp(rdfentry_ % 997 / 200.))").Define("eta", "(rdfentry_ * 7919 % 5000) / 1000. - 2.5")
   Define("charge", "int(rdfentry_ % 3) - 1").Define("tight", "rdfentry_ % 5 == 0")
   Define("jet_pt", "ROOT::RVec<float> v; while (v.size() < rdfentry_ * 31 % 9) v.push_back(20 + rdfentry_ % 89 + 3 * v.size()); return v;")
   Define("jet_eta", "return ROOT::RVec<double>(jet_pt * 0.03 - 1.5);").Define("jet_tag", "return ROOT::RVec<int>(jet_pt > 60);")
"""


def events(number: int) -> Any:
    frame = ROOT.RDataFrame(number)
    for line in EVENTS.replace(').Define(', ')\nDefine(').strip().splitlines():
        name, text = line.strip().removeprefix('Define("').removesuffix('")').split('", "', 1)
        frame = frame.Define(name, text)
    return frame


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two thousand events in a file."""
    path = str(tmp_path_factory.mktemp("events") / "events.root")
    events(2000).Snapshot("events", path, ["pt", "eta", "charge", "tight", "jet_pt", "jet_eta", "jet_tag"])
    return path


def answers(model: onnx.ModelProto) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda **feeds: session.run(None, feeds)


def near(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs).ravel(), rtol=2e-5, atol=2e-6)


def test_numbers_make_one_row_and_lists_make_many(file: str) -> None:
    model = nets.flat()
    net, run = nets.converted(model), answers(model)
    frame = define(ROOT.RDataFrame("events", file), "score", net, ["pt", "eta", "charge", "tight"])
    frame = define(frame, "jet_score", net, ["jet_pt", "jet_eta", "jet_tag", "charge"])
    columns = frame.AsNumpy(["pt", "eta", "charge", "tight", "score", "jet_pt", "jet_eta", "jet_tag", "jet_score"])
    near(columns["score"], run(x=np.stack([columns[c] for c in ("pt", "eta", "charge", "tight")], 1).astype(np.float32))[0])
    assert columns["score"].dtype == np.float32
    lengths = [len(jets) for jets in columns["jet_pt"]]
    assert [len(jets) for jets in columns["jet_score"]] == lengths and 0 in lengths and max(lengths) == 8
    jets = [np.concatenate([np.asarray(v) for v in columns[c]]) for c in ("jet_pt", "jet_eta", "jet_tag")]
    jets.append(np.repeat(columns["charge"], lengths))
    near(np.concatenate([np.asarray(v) for v in columns["jet_score"]]), run(x=np.stack(jets, 1).astype(np.float32))[0])


def test_lists_are_an_events_particles_and_outputs_are_several_columns(file: str) -> None:
    model = nets.sets()
    run = answers(model)
    frame = define(ROOT.RDataFrame("events", file), ["scores", "weights"], nets.converted(model), {"x": ["jet_pt", "jet_eta", "jet_tag"]})
    columns = frame.Range(200).AsNumpy(["jet_pt", "jet_eta", "jet_tag", "scores", "weights"])
    for event in range(200):
        x = np.stack([np.asarray(columns[c][event]) for c in ("jet_pt", "jet_eta", "jet_tag")], 1).astype(np.float32)[None]
        scores, weights = run(x=x)
        near(columns["scores"][event], scores)
        near(columns["weights"][event], weights)


def test_lists_are_filled_up_or_cut_to_a_fixed_length(file: str) -> None:
    model = nets.padded()
    run = answers(model)
    inputs = {"mask": "jet_mask", "points": ["jet_pt", "jet_eta"]}
    frame = ROOT.RDataFrame("events", file).Define("jet_mask", "ROOT::RVec<int>(jet_pt.size(), 1)")
    columns = define(frame, "score", nets.converted(model), inputs).Range(100).AsNumpy(["jet_pt", "jet_eta", "score"])
    assert columns["score"].dtype == np.float32
    for event in range(100):
        points, mask = np.zeros((1, 2, 6), np.float32), np.zeros((1, 1, 6), np.float32)
        for i, c in enumerate(("jet_pt", "jet_eta")):
            taken = np.asarray(columns[c][event])[:6]
            points[0, i, : len(taken)], mask[0, 0, : len(taken)] = taken, 1
        near(columns["score"][event], run(points=points, mask=mask)[0])


def test_a_list_is_a_whole_tensor_and_data_decides_how_many_results_there_are(file: str) -> None:
    model, positions = nets.image(), nets.found()
    pixels = "std::vector<float> v; for (int i = 0; i < 16; i++) v.push_back(std::sin(i * pt)); return v;"
    frame = ROOT.RDataFrame("events", file).Define("pixels", pixels)
    frame = define(define(frame, "class", nets.converted(model), "pixels"), "above", nets.converted(positions), "jet_eta")
    columns = frame.Range(100).AsNumpy(["pixels", "class", "jet_eta", "above"])
    x = np.stack([np.asarray(v) for v in columns["pixels"]]).astype(np.float32).reshape(-1, 1, 4, 4)
    assert (columns["class"] == answers(model)(x=x)[0]).all() and len(set(columns["class"])) > 1
    for eta, above in zip(columns["jet_eta"], columns["above"], strict=True):
        assert np.asarray(above).tolist() == np.flatnonzero(np.asarray(eta) > 0).tolist()


def test_what_does_not_fit_is_said(file: str) -> None:
    frame, net = ROOT.RDataFrame("events", file), nets.converted(nets.flat())
    for names, columns, said in [
        ("s", {"y": ["pt"]}, "no input 'y'"), ("s", {}, "no columns are given for the input 'x'"),
        ("s", ["pt", "none", "eta", "pt"], "'none'"), (["a", "b"], ["pt"] * 4, "1 outputs"),
    ]:  # fmt: skip
        with pytest.raises(ArgumentError, match=said):
            define(frame, names, net, columns)
    with pytest.raises(ArgumentError, match="give the columns of each"):
        define(frame, "s", nets.converted(nets.padded()), ["jet_pt"])
    with pytest.raises(ArgumentError, match="not int"):
        define(frame, "s", 3, ["pt"])  # type: ignore[arg-type]
    with pytest.raises(BridgeError, match="no axis as long as there are columns \\(3\\)"):
        define(frame, "s", net, ["pt", "eta", "charge"])


def test_events_that_the_network_does_not_take_end_the_loop_with_a_reason(file: str) -> None:
    frame = ROOT.RDataFrame("events", file).Define("short", "ROOT::VecOps::Take(jet_pt, jet_pt.size() / 2)")
    frame = define(frame, ["s", "w"], nets.converted(nets.sets()), ["jet_pt", "short", "jet_tag"])
    with pytest.raises(Exception, match="different lengths in one event"):
        frame.Define("n", "s.size()").Sum("n").GetValue()


def test_a_session_at_the_prompt(tmp_path: Path) -> None:
    model = nets.flat(2, "prompt")
    net = nets.converted(model)
    declared = declare(net)
    assert declared.library is not None and declare(net) == declared
    x = np.array([[1, -2], [0.5, 3]], np.float32)
    expected = answers(model)(x=x)[0]
    session = ROOT.TMVA_SOFIE_prompt.Session(declared.weights)
    near(np.asarray(session.infer(2, x)), expected)
    opened = ROOT.onnx_bridge.prompt.Model(declared.weights)
    assert opened.output_size(0, ROOT.onnx_bridge.prompt.Dims(2)) == 2
    with pytest.raises(ArgumentError, match="another network called prompt"):
        declare(nets.converted(nets.flat(3, "prompt")))


def test_a_network_that_was_trained_again_takes_the_place_of_the_one_before(file: str) -> None:
    for _ in range(2):
        model = nets.flat(2, "again")  # other weights each time
        columns = define(ROOT.RDataFrame("events", file), "s", nets.converted(model), ["pt", "eta"]).Range(9).AsNumpy(["pt", "eta", "s"])
        near(columns["s"], answers(model)(x=np.stack([columns["pt"], columns["eta"]], 1).astype(np.float32))[0])


def test_without_a_compiler_cling_compiles_the_header(tmp_path: Path) -> None:
    onnx.save(nets.flat(2, "alone"), tmp_path / "alone.onnx")
    ended = run_python(
        """
        import os, sys, onnx_bridge, ROOT
        from onnx_bridge.root import declare, define
        net = onnx_bridge.convert("alone.onnx", verify=False)
        os.environ["CXX"] = "no-such-compiler"
        os.environ["ONNX_BRIDGE_CACHE"] = os.getcwd()
        assert declare(net).library is None
        frame = define(ROOT.RDataFrame(5).Define("a", "1.5").Define("b", "float(rdfentry_)"), "s", net, ["a", "b"])
        session = ROOT.TMVA_SOFIE_alone.Session(declare(net).weights)
        for s, b in zip(frame.AsNumpy(["s"])["s"], range(5)):
            assert s == session.infer(1, __import__("numpy").array([1.5, b], "f4"))[0]
        print("equal")
        """,
        tmp_path,
    )
    assert "equal" in ended


def test_a_program_of_cpp(tmp_path: Path) -> None:
    folder = Path(ROOT.__file__).parent
    write(nets.converted(nets.flat(2, "plain")), tmp_path)
    (tmp_path / "main.cpp").write_text(
        textwrap.dedent(
            """
            #include "plain_rdf.hxx"
            #include <ROOT/RDataFrame.hxx>
            #include <cstdio>
            namespace rdf = onnx_bridge::rdf;
            int main()
            {
               rdf::Score<rdf::plain, rdf::Columns<float, double>> score("plain.dat");
               rdf::Score<rdf::plain, rdf::Columns<ROOT::RVec<float>, double>> scores("plain.dat");
               auto half = ROOT::RDataFrame(1000).Define("a", [] { return 0.5f; });
               auto frame = half.DefineSlotEntry("b", [](unsigned, ULong64_t i) { return i * 0.1; });
               auto many = frame.Define("v", [](float a) { return ROOT::RVec<float>{a, a}; }, {"a"});
               const double sum = *many.DefineSlot("s", score, {"a", "b"}).Sum<float>("s");
               const double twice = *many.DefineSlot("s", scores, {"v", "b"}).Sum<ROOT::RVec<float>>("s");
               std::printf("%.9g %.9g\\n", sum, twice);
               return sum > 0 && std::abs(twice - 2 * sum) < 1e-6 * sum ? 0 : 1;
            }
            """
        )
    )
    libraries = [f"-l{name}" for name in "Core Imt RIO Net Hist ROOTVecOps Tree TreePlayer MathCore Thread ROOTDataFrame".split()]
    paths = [f"-I{folder / 'include'}", f"-L{folder / 'lib'}", f"-Wl,-rpath,{folder / 'lib'}"]
    paths += [f"-Wl,-rpath-link,{folder.parent / 'root.libs'}"]
    command = ["g++", "-std=c++17", "-O1", "-pthread", "main.cpp", "-o", "main", *paths, *libraries]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run(["./main"], cwd=tmp_path, check=True)


def run_python(text: str, folder: Path) -> str:
    """What a program of its own prints."""
    (folder / "program.py").write_text(textwrap.dedent(text))
    command = [sys.executable, "-W", "ignore", "program.py"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return ended.stdout


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A million events in a file."""
    path = str(tmp_path_factory.mktemp("million") / "events.root")
    events(1_000_000).Snapshot("events", path, ["pt", "eta", "charge", "tight", "jet_pt", "jet_eta", "jet_tag"])
    yield path
    Path(path).unlink()


def test_a_million_events_on_one_thread_on_two_and_on_dask(million: str, tmp_path: Path) -> None:
    onnx.save(flat := nets.flat(4, "many"), tmp_path / "many.onnx")
    program = """
        import sys, time, numpy as np, onnx_bridge, ROOT
        from onnx_bridge.root import define

        def scored(frame, net):
            frame = define(frame, "score", net, ["pt", "eta", "charge", "tight"])
            return define(frame, "jet_score", net, ["jet_pt", "jet_eta", "jet_tag", "charge"]).Define("jets", "Sum(jet_score)")

        def sums(frame):
            frame = scored(frame, onnx_bridge.convert("many.onnx", verify=False))
            found = frame.Sum("score"), frame.Sum("jets"), frame.Count()
            return [x.GetValue() for x in found]

        def main(file, how):
            if how == "dask":
                from dask.distributed import Client, LocalCluster
                workers = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
                with workers as cluster, Client(cluster) as client:
                    return sums(ROOT.RDataFrame("events", file, executor=client, npartitions=2))
            if how == "two":
                ROOT.EnableImplicitMT(2)
            if how == "file":
                frame = scored(ROOT.RDataFrame("events", file), onnx_bridge.convert("many.onnx", verify=False))
                return [frame.Snapshot("s", "scores.root", ["score", "jet_score"]).Count().GetValue()]
            return sums(ROOT.RDataFrame("events", file))

        if __name__ == "__main__":
            print("RESULT", *main(*sys.argv[1:]))
        """
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    results = {}
    ways = ["one", "two", "file"] + ["dask"] * bool(importlib.util.find_spec("distributed"))
    for way in ways:
        command = [sys.executable, "-W", "ignore", "program.py", million, way]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1200, check=False)
        assert ended.returncode == 0, ended.stderr[-3000:]
        results[way] = [float(x) for x in ended.stdout.split("RESULT")[-1].split()]
    uproot, awkward = pytest.importorskip("uproot"), pytest.importorskip("awkward")
    run, begin = answers(flat), 0
    sums = np.zeros(2)
    with uproot.open(million)["events"] as before, uproot.open(tmp_path / "scores.root")["s"] as after:
        names = ("pt", "eta", "charge", "tight", "jet_pt", "jet_eta", "jet_tag")
        for begin in range(0, 1_000_000, 100_000):
            span = {"entry_start": begin, "entry_stop": begin + 100_000}
            given, found = before.arrays(names, **span), after.arrays(**span)
            x = np.stack([np.asarray(given[c]) for c in names[:4]], 1).astype(np.float32)
            near(found["score"], run(x=x)[0])
            counts = np.asarray(awkward.num(given["jet_pt"]))
            assert (np.asarray(awkward.num(found["jet_score"])) == counts).all()
            jets = [np.asarray(awkward.flatten(given[c])) for c in names[4:]] + [np.repeat(np.asarray(given["charge"]), counts)]
            scores = np.asarray(awkward.flatten(found["jet_score"]))
            near(scores, run(x=np.stack(jets, 1).astype(np.float32))[0])
            sums += [np.asarray(found["score"]).sum(dtype=float), scores.sum(dtype=float)]
    for way in ways:
        if way != "file":
            np.testing.assert_allclose(results[way], [*sums, 1_000_000], rtol=1e-6)
