"""Which headers of the C++ standard library a header includes: those that have what it names."""

from __future__ import annotations

import re

#: What each header is included for; names without `std::` are marked with a `!`.
_HAS = {
    "atomic": "atomic memory_order_relaxed",
    "cerrno": "!errno",
    "cmath": "abs ceil exp fabs floor fma fmod isfinite isinf isnan log nearbyint pow rint round signbit sqrt tanh trunc",
    "cstddef": "ptrdiff_t size_t nullptr_t byte",
    "cstdint": "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t intptr_t uintmax_t",
    "cstdio": "FILE fclose fgets fopen fprintf fread fseek ftell printf snprintf sscanf",
    "cstdlib": "strtod",
    "cstring": "memcmp memcpy memmove memset strlen",
    "ctime": "time",
    "initializer_list": "initializer_list",
    "limits": "numeric_limits",
    "memory": "shared_ptr unique_ptr",
    "new": "align_val_t bad_alloc nothrow",
    "optional": "nullopt optional",
    "stdexcept": "length_error runtime_error",
    "string": "string to_string",
    "string_view": "string_view",
    "system_error": "generic_category",
    "tuple": "tuple tie get",
    "type_traits": """common_type_t conditional conditional_t decay_t enable_if enable_if_t false_type is_arithmetic
        is_convertible is_floating_point is_integral is_same is_signed is_unsigned make_signed_t make_unsigned_t
        remove_const_t remove_reference_t true_type""",
    "utility": "declval forward index_sequence integer_sequence make_index_sequence make_integer_sequence move pair swap",
    "vector": "vector",
}
_WHERE = {name: header for header, names in _HAS.items() for name in names.split()}
#: The names that the table knows.
KNOWN = _WHERE.keys()
#: Headers of Unix, and what they are for.
_UNIX = ("dlfcn.h", "fcntl.h", "sys/mman.h", "sys/stat.h", "unistd.h")


def included(text: str) -> str:
    """The lines that include what a text names. Everything, if it names what the table above does not know."""
    code = re.sub(r"//.*", "", text)
    names = set(re.findall(r"\bstd::(\w+)", code))
    headers = {_WHERE[name] for name in names if name in _WHERE} | {"cstddef", "initializer_list"}
    if names - _WHERE.keys():
        headers = set(_HAS)
    headers |= {header for name, header in _WHERE.items() if name[0] == "!" and re.search(rf"\b{name[1:]}\b", code)}
    lines = [f"#include <{header}>" for header in sorted(headers)]
    if "::mmap(" in code:
        lines += ["#if defined(__unix__) || defined(__APPLE__)", *(f"#include <{header}>" for header in _UNIX), "#endif"]
    return "\n".join(lines)
