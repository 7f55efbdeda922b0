// text_cast.hxx: numbers as text, and text as numbers.
//
// Contract: text as in text.hxx; in every locale the same. Floats have eight digits, as C's %.8g writes them, NaN, INF or -INF; integers
// all of theirs, true is 1. Text is read as std::stod, std::stoll and, for unsigned types and bool, std::stoull read it: blanks, then the
// longest number; what stands behind it is left alone. Integers of fewer bits are the low ones. What is no number, an integer beyond 64
// bits, and a number in hexadecimal digits is refused.
#pragma once
#include "half.hxx"
#include "text.hxx"

/// What halves are, and what all others are: themselves.
struct PlainNumber {
   template <class T>
   static T read(T x)
   {
      return x;
   }
   template <class T, class Read>
   static T write(Read x)
   {
      return static_cast<T>(x);
   }
};
struct HalfNumber {
   static float read(std::uint16_t x) { return half_to_float(x); }
   template <class T>
   static T write(double x)
   {
      return float_to_half(static_cast<float>(x));
   }
};
struct Bfloat16Number {
   static float read(std::uint16_t x) { return bfloat16_to_float(x); }
   template <class T>
   static T write(double x)
   {
      return float_to_bfloat16(static_cast<float>(x));
   }
};

/// Enough for every number's text.
constexpr Size number_bytes = 32;

/// An integer's text; returns its end.
ONNX_BRIDGE_INLINE char* put_integer(std::uint64_t x, bool negative, char* out)
{
   char digits[20];
   Size count = 0;
   do digits[count++] = static_cast<char>('0' + x % 10);
   while ((x /= 10) != 0);
   if (negative) *out++ = '-';
   while (count > 0) *out++ = digits[--count];
   return out;
}

/// A word's text; returns its end.
ONNX_BRIDGE_INLINE char* put_word(const char* word, char* out)
{
   while (*word) *out++ = *word++;
   return out;
}

/// A float's text; returns its end. Its digits are the C library's, the point is not.
ONNX_BRIDGE_INLINE char* put_float(double x, char* out)
{
   if (std::isnan(x)) return put_word("NaN", out);
   if (std::isinf(x)) return put_word(x < 0 ? "-INF" : "INF", out);
   constexpr int most = 8;
   char written[64], digits[most];
   const int length = std::snprintf(written, sizeof written, "%.7e", std::fabs(x));
   int count = 0, exponent = 0, i = 0;
   for (; i < length && written[i] != 'e'; i++)
      if (written[i] >= '0' && written[i] <= '9' && count < most) digits[count++] = written[i];
   const bool small = i + 1 < length && written[i + 1] == '-';
   for (i += 2; i < length; i++) exponent = 10 * exponent + (written[i] - '0');
   if (small) exponent = -exponent;
   while (count > 1 && digits[count - 1] == '0') count--;
   if (std::signbit(x)) *out++ = '-';
   const bool plain = exponent >= -4 && exponent < most;
   const int before = !plain ? 1 : exponent < 0 ? 0 : exponent + 1;  // digits in front of the point
   if (before == 0) {
      out = put_word("0.", out);
      for (int zero = exponent + 1; zero < 0; zero++) *out++ = '0';
   }
   for (int k = 0; k < count || k < before; k++) {
      if (k == before && k > 0) *out++ = '.';
      *out++ = k < count ? digits[k] : '0';
   }
   if (plain) return out;
   *out++ = 'e';
   *out++ = exponent < 0 ? '-' : '+';
   const int size = exponent < 0 ? -exponent : exponent;
   if (size < 10) *out++ = '0';
   return put_integer(static_cast<std::uint64_t>(size), false, out);
}

/// A number's text; returns its end.
template <class T>
ONNX_BRIDGE_INLINE char* put_number(T x, char* out)
{
   if constexpr (std::is_floating_point<T>::value)
      return put_float(static_cast<double>(x), out);
   else if constexpr (std::is_signed<T>::value)
      return put_integer(x < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x), x < 0, out);
   else
      return put_integer(static_cast<std::uint64_t>(x), false, out);
}

/// y[n] = the text of numbers.
template <class Number, class T>
ONNX_BRIDGE_KERNEL void numbers_to_text(Size n, const T* x, std::string_view* y, TextRoom room)
{
   for (Size i = 0; i < n; i++) {
      char made[number_bytes];
      const Size bytes = put_number(Number::read(x[i]), made) - made;
      char* const text = room.take(bytes);
      y[i] = std::string_view();
      if (!text) continue;
      std::memcpy(text, made, static_cast<std::size_t>(bytes));
      y[i] = std::string_view(text, static_cast<std::size_t>(bytes));
   }
}

/// Text that is read from the front; behind its end stand zeros.
struct TextReader {
   std::string_view text;
   std::size_t at = 0;
   char next() const { return at < text.size() ? text[at] : '\0'; }
   bool digit() const { return next() >= '0' && next() <= '9'; }
   void skip_blanks()
   {
      while (next() == ' ' || (next() >= '\t' && next() <= '\r')) at++;
   }
   /// Whether there was a minus; goes on behind a sign.
   bool sign()
   {
      const bool minus = next() == '-';
      if (minus || next() == '+') at++;
      return minus;
   }
   /// Whether a word in lower case comes next, in either case; goes on behind it.
   bool word(std::string_view wanted)
   {
      if (text.size() - at < wanted.size()) return false;
      for (std::size_t i = 0; i < wanted.size(); i++)
         if ((text[at + i] | 0x20) != wanted[i]) return false;
      at += wanted.size();
      return true;
   }
};

/// The integer that text begins with, modulo 2^64; false where there is none, or it does not fit: into Wide, which has 64 bits.
template <class Wide>
ONNX_BRIDGE_INLINE bool read_integer(std::string_view text, Wide& value)
{
   TextReader reader{text};
   reader.skip_blanks();
   const bool minus = reader.sign();
   if (!reader.digit()) return false;
   const std::uint64_t most = std::is_signed<Wide>::value ? (std::uint64_t{1} << 63) - (minus ? 0 : 1) : ~std::uint64_t{0};
   std::uint64_t sum = 0;
   for (; reader.digit(); reader.at++) {
      const std::uint64_t digit = static_cast<std::uint64_t>(reader.next() - '0');
      if (sum > (most - digit) / 10) return false;
      sum = 10 * sum + digit;
   }
   value = static_cast<Wide>(minus ? std::uint64_t{0} - sum : sum);
   return true;
}

/// The double nearest to the number that text begins with; false where there is none.
ONNX_BRIDGE_INLINE bool read_float(std::string_view text, double& value)
{
   TextReader reader{text};
   reader.skip_blanks();
   const bool minus = reader.sign();
   value = minus ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
   if (reader.word("inf")) return true;
   value = std::numeric_limits<double>::quiet_NaN();
   if (reader.word("nan")) return true;
   if (reader.next() == '0' && reader.at + 1 < text.size() && (text[reader.at + 1] | 0x20) == 'x') return false;
   constexpr int most = 800;  // more than any double needs to be told from its neighbours
   char digits[most + number_bytes];  // as an integer and an exponent: without a point, the C library reads it alike in every locale
   int count = 0, exponent = 0;
   bool any = false, point = false, more = false;
   for (;; reader.at++) {
      if (reader.next() == '.' && !point) {
         point = true;
         continue;
      }
      if (!reader.digit()) break;
      any = true;
      if (count == 0 && reader.next() == '0') {
         exponent -= point;
         continue;
      }
      if (count < most - 1) {
         digits[count++] = reader.next();
         exponent -= point;
      } else {
         more = more || reader.next() != '0';
         exponent += !point;
      }
   }
   if (!any) return false;
   if ((reader.next() | 0x20) == 'e') {
      reader.at++;
      const bool negative = reader.sign();
      int given = 0;
      for (; reader.digit(); reader.at++)
         if (given < 100000000) given = 10 * given + (reader.next() - '0');
      exponent += negative ? -given : given;
   }
   if (count == 0) digits[count++] = '0';
   if (more) {
      digits[count++] = '1';
      exponent--;
   }
   digits[count++] = 'e';
   *put_integer(static_cast<std::uint64_t>(exponent < 0 ? -exponent : exponent), exponent < 0, digits + count) = '\0';
   const double size = std::strtod(digits, nullptr);
   value = minus ? -size : size;
   return true;
}

/// y[n] = the numbers that text begins with; false where there is none.
template <class Number, class T>
ONNX_BRIDGE_KERNEL bool text_to_numbers(Size n, const std::string_view* x, T* y)
{
   using Wide = std::conditional_t<std::is_same<Number, PlainNumber>::value && std::is_integral<T>::value,
                                   std::conditional_t<std::is_signed<T>::value, std::int64_t, std::uint64_t>, double>;
   for (Size i = 0; i < n; i++) {
      Wide value{};
      if constexpr (std::is_same<Wide, double>::value) {
         if (!read_float(x[i], value)) return false;
      } else if (!read_integer(x[i], value)) {
         return false;
      }
      y[i] = Number::template write<T>(value);
   }
   return true;
}
