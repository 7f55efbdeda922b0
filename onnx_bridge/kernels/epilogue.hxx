// epilogue.hxx: what is done to a value between the kernel that has summed it and memory.
//
// An epilogue is any object with  vec operator()(vec value, Size row, Size column, Count count) const : `value` holds the elements
// `column` .. `column + count - 1` of row `row` of the kernel's output, count is All or a Size below lanes. What it returns is stored.
// The generator writes them; kernels take them by const reference as their last argument.
#pragma once
#include "vector.hxx"

/// Stores what was summed.
struct Keep {
   template <class Count>
   __attribute__((always_inline)) vec operator()(vec value, Size, Size, Count) const
   {
      return value;
   }
};
