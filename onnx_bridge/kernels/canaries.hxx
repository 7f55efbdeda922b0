// canaries.hxx: bytes around each piece of the arena that nothing may write, and who wrote them. Only in headers made with canaries.
//
// A piece is `bytes` long and lies at `at`, a multiple of 64; before it are 64 bytes that are nobody's, behind it at least 64. They are
// filled as the piece comes to life, before the operator `first`, and looked at behind every operator until `last`.
#pragma once
#include "vector.hxx"

/// A tensor, or an operator's scratch memory. `there`: it came to life in this call, and nothing has taken its place; a branch that is not
/// taken brings none to life.
struct Guarded {
   const char* name;
   std::size_t at, bytes;
   int first, last;
   bool there = false;
};

/// Where the bytes behind a piece end.
ONNX_BRIDGE_INLINE std::size_t guard_end(const Guarded& piece) { return piece.at + (piece.bytes + 63) / 64 * 64 + 64; }

/// Fills the bytes around the pieces that come to life with an operator.
template <int Count>
ONNX_BRIDGE_KERNEL void plant_canaries(char* arena, Guarded (&pieces)[Count], int now)
{
   for (Guarded& piece : pieces) {
      if (piece.first != now) continue;
      for (Guarded& other : pieces)
         if (other.at - 64 < guard_end(piece) && piece.at - 64 < guard_end(other)) other.there = false;
      std::memset(arena + piece.at - 64, 0xa5, 64);
      std::memset(arena + piece.at + piece.bytes, 0xa5, guard_end(piece) - piece.at - piece.bytes);
      piece.there = true;
   }
}

/// Ends the program where an operator has written beyond a piece, and says which, where, and since which operator it was right.
template <int Count>
ONNX_BRIDGE_KERNEL void check_canaries(const char* arena, const Guarded (&pieces)[Count], int now, const char* name)
{
   for (const Guarded& piece : pieces) {
      if (!piece.there || now < piece.first || piece.last < now) continue;
      const auto look = [&](std::size_t begin, std::size_t end) {
         for (std::size_t i = begin; i < end; i++)
            if (static_cast<unsigned char>(arena[i]) != 0xa5) {
               const long long from_begin = static_cast<long long>(i) - static_cast<long long>(piece.at);
               std::fprintf(stderr, "onnx_bridge: %s wrote byte %lld of %s, which has %llu bytes\n", name, from_begin, piece.name,
                            static_cast<unsigned long long>(piece.bytes));
               __builtin_abort();
            }
      };
      look(piece.at - 64, piece.at);
      look(piece.at + piece.bytes, guard_end(piece));
   }
}
