// compare.hxx: ONNX's comparisons, logic, bits and choice.
//
// Of vec and ivec, comparisons give masks (ivec, -1 where true, 0 where false) and the logical functions take masks;
// of single numbers they give bool. A comparison with NaN is false. Shifts by the width or more give 0.
#pragma once
#include "arithmetic.hxx"

/// The type bool for numbers.
template <class T>
using if_compared = std::enable_if_t<std::is_arithmetic<T>::value, bool>;

ONNX_BRIDGE_INLINE ivec equal(vec a, vec b) { return a == b; }
ONNX_BRIDGE_INLINE ivec equal(ivec a, ivec b) { return a == b; }
template <class T>
ONNX_BRIDGE_INLINE if_compared<T> equal(T a, T b)
{
   return a == b;
}
ONNX_BRIDGE_INLINE ivec less(vec a, vec b) { return a < b; }
ONNX_BRIDGE_INLINE ivec less(ivec a, ivec b) { return a < b; }
template <class T>
ONNX_BRIDGE_INLINE if_compared<T> less(T a, T b)
{
   return a < b;
}
ONNX_BRIDGE_INLINE ivec less_or_equal(vec a, vec b) { return a <= b; }
ONNX_BRIDGE_INLINE ivec less_or_equal(ivec a, ivec b) { return a <= b; }
template <class T>
ONNX_BRIDGE_INLINE if_compared<T> less_or_equal(T a, T b)
{
   return a <= b;
}
ONNX_BRIDGE_INLINE ivec greater(vec a, vec b) { return a > b; }
ONNX_BRIDGE_INLINE ivec greater(ivec a, ivec b) { return a > b; }
template <class T>
ONNX_BRIDGE_INLINE if_compared<T> greater(T a, T b)
{
   return a > b;
}
ONNX_BRIDGE_INLINE ivec greater_or_equal(vec a, vec b) { return a >= b; }
ONNX_BRIDGE_INLINE ivec greater_or_equal(ivec a, ivec b) { return a >= b; }
template <class T>
ONNX_BRIDGE_INLINE if_compared<T> greater_or_equal(T a, T b)
{
   return a >= b;
}

ONNX_BRIDGE_INLINE ivec and_(ivec a, ivec b) { return a & b; }
ONNX_BRIDGE_INLINE ivec or_(ivec a, ivec b) { return a | b; }
ONNX_BRIDGE_INLINE ivec xor_(ivec a, ivec b) { return a ^ b; }
ONNX_BRIDGE_INLINE ivec not_(ivec a) { return ~a; }
ONNX_BRIDGE_INLINE bool and_(bool a, bool b) { return a && b; }
ONNX_BRIDGE_INLINE bool or_(bool a, bool b) { return a || b; }
ONNX_BRIDGE_INLINE bool xor_(bool a, bool b) { return a != b; }
ONNX_BRIDGE_INLINE bool not_(bool a) { return !a; }

ONNX_BRIDGE_INLINE vec where(ivec condition, vec a, vec b) { return condition ? a : b; }
ONNX_BRIDGE_INLINE ivec where(ivec condition, ivec a, ivec b) { return condition ? a : b; }
template <class T>
ONNX_BRIDGE_INLINE T where(bool condition, T a, T b)
{
   return condition ? a : b;
}

// is_nan(vec) stands in vector.hxx. By integers all of them, so that -ffinite-math-only changes nothing.
ONNX_BRIDGE_INLINE std::int64_t magnitude_bits(double x)
{
   std::int64_t bits;
   std::memcpy(&bits, &x, sizeof bits);
   return bits & 0x7fffffffffffffff;
}
ONNX_BRIDGE_INLINE bool is_nan(double x) { return magnitude_bits(x) > 0x7ff0000000000000; }
ONNX_BRIDGE_INLINE bool is_nan(float x) { return is_nan(static_cast<double>(x)); }
ONNX_BRIDGE_INLINE bool is_inf(double x, bool detect_positive, bool detect_negative)
{
   return magnitude_bits(x) == 0x7ff0000000000000 && (x > 0 ? detect_positive : detect_negative);
}
ONNX_BRIDGE_INLINE bool is_inf(float x, bool detect_positive, bool detect_negative)
{
   return is_inf(static_cast<double>(x), detect_positive, detect_negative);
}
ONNX_BRIDGE_INLINE ivec is_inf(vec x, bool detect_positive, bool detect_negative)
{
   const ivec positive = as_int(x) == 0x7f800000, negative = as_int(x) == static_cast<std::int32_t>(0xff800000u);
   return (positive & -static_cast<std::int32_t>(detect_positive)) | (negative & -static_cast<std::int32_t>(detect_negative));
}

ONNX_BRIDGE_INLINE ivec bitwise_and(ivec a, ivec b) { return a & b; }
ONNX_BRIDGE_INLINE ivec bitwise_or(ivec a, ivec b) { return a | b; }
ONNX_BRIDGE_INLINE ivec bitwise_xor(ivec a, ivec b) { return a ^ b; }
ONNX_BRIDGE_INLINE ivec bitwise_not(ivec a) { return ~a; }
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> bitwise_and(T a, T b)
{
   return static_cast<T>(a & b);
}
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> bitwise_or(T a, T b)
{
   return static_cast<T>(a | b);
}
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> bitwise_xor(T a, T b)
{
   return static_cast<T>(a ^ b);
}
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> bitwise_not(T a)
{
   return static_cast<T>(~a);
}
/// Shifted by so many bits; by a negative number, or the type's width or more, what is left is the sign's bit, or 0.
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> bit_shift_left(T x, T by)
{
   return static_cast<std::uint64_t>(by) < 8 * sizeof(T) ? static_cast<T>(static_cast<wrapping<T>>(x) << by) : T();
}
template <class T>
ONNX_BRIDGE_INLINE if_integer<T> bit_shift_right(T x, T by)
{
   if (static_cast<std::uint64_t>(by) < 8 * sizeof(T)) return static_cast<T>(x >> by);
   return std::is_signed<T>::value && x < T() ? static_cast<T>(-1) : T();
}
