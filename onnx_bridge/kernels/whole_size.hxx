// whole_size.hxx: what run-time sizes are computed with once they are known not to overflow.
//
// Not a kernel: stands once in the model's own namespace, outside the regions.
#pragma once

inline std::ptrdiff_t floor_div(std::ptrdiff_t a, std::ptrdiff_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0)); }
inline std::ptrdiff_t minimum(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }
inline std::ptrdiff_t maximum(std::ptrdiff_t a, std::ptrdiff_t b) { return a > b ? a : b; }
template <class... Rest>
std::ptrdiff_t minimum(std::ptrdiff_t a, std::ptrdiff_t b, std::ptrdiff_t c, Rest... rest) { return minimum(minimum(a, b), c, rest...); }
template <class... Rest>
std::ptrdiff_t maximum(std::ptrdiff_t a, std::ptrdiff_t b, std::ptrdiff_t c, Rest... rest) { return maximum(maximum(a, b), c, rest...); }
