"""Kernels: a C++ header each and, where it has scratch memory, packed weights or an epilogue, a record beside it that says so."""
