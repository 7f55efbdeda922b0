// kernels: text.hxx text_cast.hxx
//
// Strings split, put into another case, matched, looked up, and cast to and from numbers, in memory of exactly the promised size. No instruction set has a body of
// its own.
#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

using namespace kernels::baseline;

static int failures = 0;
static void check(const std::string& found, const std::string& wanted)
{
   if (found == wanted) return;
   failures++;
   std::printf("'%s' instead of '%s'\n", found.c_str(), wanted.c_str());
}

/// The pieces of a string, with bars behind them.
static std::string pieces(const std::string& given, std::string_view delimiter, Size most)
{
   const std::vector<char> exact(given.begin(), given.end());
   const std::string_view text(exact.data(), exact.size());
   std::int64_t counted = 0;
   const Size width = count_pieces(1, delimiter, most, &text, &counted);
   std::vector<std::string_view> made(static_cast<std::size_t>(width));
   split_text(1, width, delimiter, most, &text, made.data());
   std::string joined;
   for (const std::string_view piece : made) joined += std::string(piece) + "|";
   return joined;
}

/// A string in upper case, with as much room as is told it needs.
static std::string upper(const std::string& given)
{
   const std::vector<char> exact(given.begin(), given.end());
   const std::string_view text(exact.data(), exact.size());
   const std::int32_t from[] = {0xE9, 0x131}, to[] = {0xC9, 'I'};
   const TextCase cases = {from, to, 2, true};
   Size used = 0;
   std::string_view made;
   normalize_text(1, TextTable{nullptr, nullptr, 0}, static_cast<const TextCase*>(nullptr), &cases, &text, &made, TextRoom{nullptr, -1, &used});
   if (!made.empty()) check("text without room", "none");
   std::vector<char> memory(static_cast<std::size_t>(used));
   const Size needed = used;
   used = 0;
   normalize_text(1, TextTable{nullptr, nullptr, 0}, static_cast<const TextCase*>(nullptr), &cases, &text, &made,
                  TextRoom{memory.data(), needed, &used});
   return std::string(made);
}

/// A number's text, in exactly the room that it needs.
template <class T>
static std::string text_of(T x)
{
   Size used = 0;
   std::string_view made;
   numbers_to_text<PlainNumber>(1, &x, &made, TextRoom{nullptr, -1, &used});
   if (!made.empty()) check("a number without room", "none");
   std::vector<char> memory(static_cast<std::size_t>(used));
   const Size needed = used;
   used = 0;
   numbers_to_text<PlainNumber>(1, &x, &made, TextRoom{memory.data(), needed, &used});
   return std::string(made);
}

/// A number that is read from memory of exactly its size, and its text; ! where it is refused.
template <class T>
static std::string number_of(const std::string& given)
{
   const std::vector<char> exact(given.begin(), given.end());
   const std::string_view text(exact.data(), exact.size());
   T made{};
   return text_to_numbers<PlainNumber>(1, &text, &made) ? text_of(made) : "!";
}

/// Numbers to and from text, in a locale whose point is a comma, if there is one.
static void casts()
{
   std::setlocale(LC_ALL, "de_DE.UTF-8");
   const double doubles[] = {1, -0.0, 0.1, 123456.789, 1e20, -1e-7, 0.0001, 9.99999995e-5, 99999999.6, 12345678, 5e-324, 1.7976931348623157e308};
   std::string written;
   for (const double x : doubles) written += text_of(x) + " ";
   check(written, "1 -0 0.1 123456.79 1e+20 -1e-07 0.0001 9.9999999e-05 1e+08 12345678 4.9406565e-324 1.7976931e+308 ");
   check(text_of(std::nan("")) + text_of(-INFINITY), "NaN-INF");
   check(text_of(INT64_MIN) + text_of(UINT64_MAX) + text_of(true), "-9223372036854775808184467440737095516151");
   check(number_of<double>(" \t-12.5e-1x"), "-1.25");
   check(number_of<double>("+.5"), "0.5");
   check(number_of<double>("5."), "5");
   check(number_of<double>("1e"), "1");
   check(number_of<double>("1e999999999999"), "INF");
   check(number_of<double>("-1e-999999999999"), "-0");
   check(number_of<double>("0." + std::string(5000, '0') + "25e5001"), "2.5");
   check(number_of<double>(std::string(5000, '9') + "e-5000"), "1");
   check(number_of<double>("-iNfinity"), "-INF");
   check(number_of<double>("NAN"), "NaN");
   for (const char* wrong : {"", " ", "-", ".", "e5", "0x10", "in", "abc"}) check(number_of<double>(wrong), "!");
   check(number_of<std::int64_t>("-9223372036854775808") + number_of<std::int64_t>("9223372036854775807."), "-92233720368547758089223372036854775807");
   check(number_of<std::uint64_t>("18446744073709551615") + number_of<std::uint64_t>("-1"), "1844674407370955161518446744073709551615");
   check(number_of<std::uint8_t>("300") + number_of<std::int8_t>("200") + number_of<bool>("-3"), "44-561");
   for (const char* wrong : {"", "-", "x1", "9223372036854775808", "-9223372036854775809"}) check(number_of<std::int64_t>(wrong), "!");
   check(number_of<std::uint64_t>("18446744073709551616"), "!");
}

int main()
{
   casts();
   check(pieces("a,b,,c", ",", 99), "a|b||c|");
   check(pieces("a,b,,c", ",", 2), "a|b,,c|");
   check(pieces(",", ",", 99), "||");
   check(pieces("", ",", 99), "");
   check(pieces("--a--", "--", 99), "|a||");
   check(pieces("  a  b c ", "", 99), "a|b|c|");
   check(pieces("  a  b c ", "", 2), "a|b c|");
   check(pieces("   ", "", 1), "");
   check(upper("abc\xC3\xA9z"), "ABC\xC3\x89Z");
   check(upper("\xC4\xB1"), "I");                  // shorter in the other case
   check(upper("\xC3"), "\xC3");                    // cut off
   check(upper("\xFF\x80q\xE2\x82"), "\xFF\x80Q\xE2\x82");  // no UTF-8
   check(upper(""), "");
   const double numbers[] = {-1.5, 0.0, 7.0, std::nan("")};
   const NumberTable<double> table = {numbers, 4};
   const double asked[] = {-1.5, -0.0, 3.0, 7.0, std::nan(""), INFINITY};
   std::string places;
   for (const double key : asked) places += std::to_string(place_of(table, key)) + " ";
   check(places, "0 1 -1 2 3 -1 ");
   const std::uint8_t text[] = {'a', 'a', 'b', 'c'};
   const std::int64_t ends[] = {0, 0, 1, 3, 4};
   const TextTable words = {text, ends, 4};
   places.clear();
   for (const std::string_view key : {"", "a", "ab", "b", "c", "d"}) places += std::to_string(place_of(words, key)) + " ";
   check(places, "0 1 2 -1 3 -1 ");
   return failures != 0;
}
