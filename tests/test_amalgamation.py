"""What of the kernels stands in a header: what its network reaches, and nothing else."""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from check import model_of
from golden_nets import GOLDEN
from instantiated import uncalled
from onnx import helper, numpy_helper
from zoo import ZOO

from onnx_bridge import convert
from onnx_bridge.emit import standard
from onnx_bridge.emit.amalgamate import KERNELS, definitions
from onnx_bridge.emit.declarations import declarations, parse, read
from onnx_bridge.emit.reachable import reach, rendered
from onnx_bridge.emit.tokens import tokens, uses_of
from onnx_bridge.ir.roperator import REGISTRY
from onnx_bridge.toolchain.compiler import find_compiler

FILES = sorted(file.name for file in KERNELS.glob("*.hxx") if file.name not in ("regions.hxx", "widest_body.hxx"))


def kept(text: str, used_by: str) -> str:
    """What is left of some C++ that other C++ uses."""
    items = parse(text)
    return rendered(items, reach(items, [uses_of(tokens(used_by))]))


@pytest.mark.parametrize("file", FILES)
def test_a_kernel_is_read_whole(file: str) -> None:
    """All declarations together are the file."""
    text = (KERNELS / file).read_text(encoding="ascii").strip("\n")

    assert rendered(parse(text), None) == "\n".join(text.split("\n"))
    assert "" not in definitions(text)


def test_a_function_brings_what_it_calls() -> None:
    text = "int a() { return 1; }\nint b() { return a(); }\nint c() { return b(); }\n"

    assert kept(text, "b();") == "int a() { return 1; }\nint b() { return a(); }"


def test_overloads_are_told_apart_by_the_number_of_arguments() -> None:
    text = (
        "int f(int a);\nint f(int a, int b);\nint f(int a, int b, int c = 0, int d = 0);\ntemplate <class... T>\nint f(char, T... rest);\n"
    )

    assert kept(text, "f(x);") == "int f(int a);\ntemplate <class... T>\nint f(char, T... rest);"
    assert "int f(int a, int b, int c" in kept(text, "f(1, g(2, 3), {4, 5});")
    assert kept(text, "auto* p = f;") == text.strip()


TYPES = """\
typedef std::ptrdiff_t Size;
typedef float vec __attribute__((vector_size(64)));
typedef std::int32_t ivec __attribute__((vector_size(64)));
constexpr int lanes = 16;
template <Size Value>
struct Const {
   constexpr operator Size() const { return Value; }
};
using All = Const<lanes>;
"""

OVERLOADS = """\
vec load(const float* p);
ivec load(const std::int32_t* p);
vec load(const float* p, All);
vec load(const float* p, Size n);
ivec load(const std::int32_t* p, Size n);
vec mul(vec a, vec b);
float mul(float a, float b);
double mul(double a, double b);
template <class T>
T mul(T a, T b);
"""


JOIN = "struct A {\n   template <class V>\n   V join(V a, V b) { return mul(a, b); }\n};\n"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("void f(const float* p) { load(p + 4); }", [0]),
        ("void f(const float* p, Size n) { const Size rest = n - lanes; load(p + n * lanes / 2, rest % lanes); }", [3]),
        ("void f(const std::int32_t* p) { auto q = p + 1; load(q, 3); }", [4]),
        ("void f(const float* p) { load(p, All()); }", [2]),
        ("void f(float* p, Size n) { vec sum[4]; sum[1] = mul(sum[0], load(p)); }", [0, 5]),
        ("void f(const float* x, float y) { mul(x[2], -y * 2); }", [6]),
        ("void f(vec v, ivec i) { mul(v, v < v ? v : vec{}); load(reinterpret_cast<const float*>(&i)); }", [0, 5]),
        ("void f(float x) { const auto g = [&](Size i) -> float { return x; }; mul(g(1), x); }", [6]),
        ("template <class T>\nvoid f(T x, vec) { mul(x, x); double d; }", [5, 6, 7, 8]),  # of a type that is known where it is called
        ("template <class T>\nvoid f(T x, vec) { mul(x, x); }", [5, 6, 8]),  # there are no doubles
        ("template <class T>\nvoid f(T x) { mul(x, x); mul(1, x); }", [8]),
        ("void f() { mul(unknown(), 1.f); mul(1.0); }", [6, 7, 8]),  # a vector would not take a number
        ("void f(std::int32_t x) { mul(x, std::int32_t{3}); }", [8]),  # a template that fits exactly
        ("struct A {\n   const float* p;\n};\nvoid f(A a) { load(a.p + 1); }", [0]),
        ("struct A {\n   const float *o, *p;\n};\nstruct B {\n   std::int32_t* p;\n};\nvoid f(A a) { load(a.p); }", [0, 1]),
        (JOIN + "void f(A a, vec x, double) { a.join(x, x); }", [5]),
        (JOIN + "void f(A a, vec x, double) { a.join(x, g()); }", [5, 6, 7, 8]),
        ("struct S {\n   const float* p;\n   vec operator()(Size i) const { return load(p + i); }\n};", [0]),
    ],
)
def test_overloads_are_told_apart_by_the_types_of_arguments(code: str, lines: list[int]) -> None:
    """As far as these are plain; what cannot be told apart stays."""
    items = parse(TYPES + OVERLOADS)
    text = rendered(items, reach(items, list(declarations(parse(code)))))
    overloads = OVERLOADS.replace("template <class T>\n", "template <class T>@").splitlines()

    assert [index for index, line in enumerate(overloads) if line.replace("@", "\n") in text] == lines


def test_overloads_are_told_apart_by_types_that_nobody_names() -> None:
    text = "typedef double dvec __attribute__((vector_size(64)));\nvec f(vec x);\ndvec f(dvec x);\n"

    assert kept(text, "vec y = f(x);") == "vec f(vec x);"
    assert kept(text, "dvec y = f(x);") == text.strip()
    assert "f(Size" in kept("typedef std::ptrdiff_t Size;\nvec f(Size n);", "f(3);")
    mask = "typedef std::int32_t mask __attribute__((vector_size(64)));\nvec f(mask n);"
    masks = f"typedef float vec __attribute__((vector_size(64)));\n{mask}"
    assert "f(mask" in kept(masks, "vec x; f(x < y);")
    assert "f(mask" not in kept(masks, "f(x < y);")
    assert "f(Wide" in kept("struct Wide {\n   Wide(int);\n};\nvec f(Wide n);", "f(3);")


needs_gcc = pytest.mark.skipif("clang" in find_compiler().version, reason="it reads what GCC writes")


@needs_gcc
@pytest.mark.parametrize("net", GOLDEN)
def test_no_function_is_there_that_no_body_calls(net: str, tmp_path: Path) -> None:
    """As the compiler has it: functions of which it makes no code in any body."""
    emitted = convert(GOLDEN[net](), name=net, verify=False).emitted
    left = uncalled(emitted, ("8", "16", "4") if platform.machine() == "x86_64" else ("4",), tmp_path)

    assert left == []


@needs_gcc
def test_a_function_that_no_body_calls_is_found(tmp_path: Path) -> None:
    emitted = convert(GOLDEN["dense"](), name="dense", verify=False).emitted
    end = "// ---- the network\n"
    planted = "template <class T>\nONNX_BRIDGE_INLINE T twice(T x)\n{\n   return x + x;\n}\n"
    planted += "ONNX_BRIDGE_INLINE float four(float x) { return twice(twice(x)); }\n"
    left = uncalled(replace(emitted, header=emitted.header.replace(end, planted + end, 1)), ("4",), tmp_path)

    assert [line for line in left if "twice" in line or "four" in line] == [
        "ONNX_BRIDGE_INLINE T twice(T x)",
        "ONNX_BRIDGE_INLINE float four(float x) { return twice(twice(x)); }",
    ]


def test_a_type_in_braces_is_named_by_nobody() -> None:
    text = "struct Axis {\n   int size;\n};\nvoid f(Axis a);\n"

    assert kept(text, "f({1});") == text.strip()
    assert kept(text, "f(x);") == ""


def test_a_specialisation_needs_its_arguments() -> None:
    text = "struct A {};\nstruct B {};\ntemplate <class T>\nstruct is : no {};\n"
    text += "template <>\nstruct is<A> : yes {};\ntemplate <>\nstruct is<B> : yes {};"

    assert kept(text, "is<T>::value; A a;") == text.replace("struct B {};\n", "").replace("\ntemplate <>\nstruct is<B> : yes {};", "")


def test_member_functions_are_kept_by_name_and_constructors_always() -> None:
    text = "struct A {\n   int x;\n   A();\n   int a() const { return x; }\n   int b() const { return c(); }\n};\nint c();"

    assert kept(text, "A q; q.a();") == "struct A {\n   int x;\n   A();\n   int a() const { return x; }\n};"
    assert kept(text, "A q; q.b();").endswith("int c();")


def test_a_specialisation_needs_the_member_that_it_asks_for() -> None:
    text = "template <class T, class = void>\nstruct is : std::false_type {};\n"
    special = "template <class T>\nstruct is<T, typename std::enable_if<T::cheap>::type> : std::true_type {};\n"
    structs = "struct A {\n   static constexpr bool cheap = true;\n};\nstruct B {\n   int x;\n};"

    assert special in kept(text + special + structs, "is<A>::value;")
    assert "enable_if" not in kept(text + special + structs, "is<B>::value;")


def test_numbers_convert_where_no_other_function_takes_them() -> None:
    """The second parameter is a double in both: a float is as good."""
    vec = "typedef float vec __attribute__((vector_size(64)));\n"
    single, double = "vec like(vec, double value);\n", "double like(double, double value);\n"
    code = "template <class T>\nvoid f(T x, float y, vec z) { like(x, y); }"
    items = parse(f"{vec}{double}{single}")

    assert rendered(items, reach(items, list(declarations(parse(code))))) == f"{vec}{double}{single}".strip()


def test_who_says_for_which_types_takes_a_template_that_has_these() -> None:
    """Not the one that fits the arguments best."""
    one = "template <class D>\nD nearest(D x) { return x; }"
    other = "template <class Byte, class From>\nByte nearest(From x) { return x; }"

    def left(code: str) -> str:
        items = parse(f"{one}\n{other}\n")
        return rendered(items, reach(items, list(declarations(parse(code)))))

    assert other in left("struct Cast {\n   auto operator()(double x) const { return nearest<signed char>(x); }\n};")
    assert left("struct Cast {\n   auto operator()(double x) const { return nearest(x); }\n};") == one


def test_branches_keep_their_directives() -> None:
    text = "#if X\nint a();\nint b();\n#elif Y\nint a();\n#else\nint a();\nint b();\n#endif\nint c();\n"

    assert kept(text, "b();") == "#if X\nint b();\n#elif Y\n#else\nint b();\n#endif"
    assert kept(text, "c();") == "int c();"


def test_macros_define_functions_and_bring_what_they_say() -> None:
    text = "#define ONNX_BRIDGE_F(name, op) \\\n   int name(int a) { return helper(a op a); }\n"
    text += "ONNX_BRIDGE_F(less, <)\nONNX_BRIDGE_F(more, >)\nint helper(int);"

    assert kept(text, "less(1);") == text.replace("ONNX_BRIDGE_F(more, >)\n", "")
    assert kept(text, "other(1);") == ""


def test_comments_stay_with_what_they_speak_of() -> None:
    text = "// Of both.\n\n/// Of a.\nint a();\n/// Of b and c.\nint b();\nint c();\n\n// Of d.\nint d();"

    assert kept(text, "c();") == "// Of both.\n\n/// Of b and c.\nint c();"
    assert kept(text, "a(); d();") == "// Of both.\n\n/// Of a.\nint a();\n\n// Of d.\nint d();"


def test_the_standard_librarys_names_are_not_ours() -> None:
    assert kept("int move(int);", "std::move(x);") == ""


def test_a_variable_is_not_a_call() -> None:
    assert kept("int heights(int);", "const Heights heights(3); const Size w = heights;") == ""
    assert kept("int heights(int);", "return heights(3);") != ""


def unreached(header: str) -> set[str]:
    """What a header's region declares and nothing else in it names: by the declarations' own rule, or by looking for the word."""
    _, _, body = header.partition("namespace ONNX_BRIDGE_REGION {")
    kernels, _, network = body.partition("// ---- the network\n")
    items = parse(kernels)
    found = list(declarations(items))
    weights = re.search(r"^struct Weights \{.*?^\};", header, re.MULTILINE | re.DOTALL)
    assert weights is not None
    reached = reach(items, list(declarations(read(weights[0] + "\n" + network.partition("\n#undef")[0]))))
    names = {name for declaration in found if declaration not in reached for name in declaration.names}
    for name in {name for declaration in found for name in declaration.names}:
        others = "\n".join(re.sub(r"//.*", "", declaration.text) for declaration in found if name not in declaration.names)
        sign = name.removeprefix("operator")  # an operator is used by its sign
        if not re.search(rf"\b{name}\b" if sign == name else re.escape(sign), others + network):
            names.add(name)
    return names


@pytest.mark.parametrize(("domain", "op_type"), sorted(REGISTRY), ids=lambda name: name or "onnx")
def test_a_header_holds_no_function_that_its_network_cannot_reach(domain: str, op_type: str) -> None:
    """Of two cases of each operator."""
    cases = [case for cls in REGISTRY[domain, op_type] for case in cls.cases]
    for index in {len(cases) // 3, len(cases) - 1} if cases else ():
        assert unreached(convert(model_of(op_type, domain, cases[index], "case"), verify=False).header) == set()


@pytest.mark.parametrize("name", ZOO)
def test_nor_does_a_networks_header(name: str) -> None:
    header = convert(ZOO[name](), verify=False).header

    assert unreached(header) == set()
    assert unreached(header.replace("// ---- the network", "static int planted() { return 0; }\n// ---- the network", 1)) == {"planted"}


def test_only_standard_headers_are_included_that_something_is_named_of() -> None:
    """With all that the kernels and the face name in the table; without weights nothing of files is included."""
    texts = [file.read_text(encoding="ascii") for file in (*KERNELS.glob("*.hxx"), *(KERNELS.parent / "emit").glob("*.hxx"))]
    named = {name for text in texts for name in re.findall(r"\bstd::(\w+)", re.sub(r"//.*", "", text))}

    assert named <= standard.KNOWN
    assert standard.included("std::move(x);") == "#include <cstddef>\n#include <initializer_list>\n#include <utility>"
    assert "<regex>" not in standard.included("std::regex x;") and "<vector>" in standard.included("std::regex x;")
    header = convert(model_of("Relu", "", REGISTRY["", "Relu"][0].cases[0], "case"), verify=False).header
    assert "<fcntl.h>" not in header and "<cstring>" not in header and "<vector>" in header


def test_a_small_nets_header_is_short() -> None:
    """Of dense layers with constant sizes: nothing of the kernels for large products, and none of the other activations."""
    random = np.random.default_rng(1)
    sizes = [7, 64, 64, 1]
    weights = [numpy_helper.from_array(random.random(s, np.float32), f"w{i}") for i, s in enumerate(zip(sizes, sizes[1:], strict=False))]
    biases = [numpy_helper.from_array(random.random(s, np.float32), f"b{i}") for i, s in enumerate(sizes[1:])]
    nodes = []
    for i, activation in enumerate(("Relu", "Relu", "Sigmoid")):
        nodes.append(helper.make_node("Gemm", [f"a{i}", f"w{i}", f"b{i}"], [f"g{i}"]))
        nodes.append(helper.make_node(activation, [f"g{i}"], [f"a{i + 1}"]))
    ends = [helper.make_tensor_value_info(name, 1, ["N", size]) for name, size in (("a0", 7), ("a3", 1))]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], [*weights, *biases])
    header = convert(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), verify=False).header

    assert "gemm_small(" in header and "dot_small(" in header
    for absent in ("multiply_packed", "struct Panels", "gelu", "tanh", "erf(", "cast(", "equal(", "<cmath>", "<tuple>"):
        assert absent not in header, absent
    assert len(header.splitlines()) <= 900


def test_a_template_parameter_may_be_called_as_a_type_is() -> None:
    """The type need not be reached for the function to be."""
    text = "struct Row {};\ntemplate <class Row>\nvoid each(int n, const Row& row);\n"

    assert kept(text, "each(3, [](int) {});") == text.strip()
