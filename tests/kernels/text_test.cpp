// kernels: text.hxx
//
// Strings split, put into another case, matched and looked up, in memory of exactly the promised size. No instruction set has a body of
// its own.
#include <cmath>
#include <cstdint>
#include <cstdio>
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

int main()
{
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
