// pointwise.hxx: every pointwise ONNX operator as a function of vec and of single numbers, in ONNX's name in lower case.
//
// Names that C++ or vector.hxx has taken: Mul is product(), And, Or, Xor, Not are and_(), or_(), xor_(), not_().
#pragma once
#include "activation.hxx"
#include "arithmetic.hxx"
#include "cast.hxx"
#include "compare.hxx"
#include "half.hxx"
#include "rare_functions.hxx"
