// plans_region.hxx: drivers of plans_test.cpp, pasted after the kernels.
ONNX_BRIDGE_KERNEL void reduced(int operation, const Size* sizes, const bool* kept, const float* x, float* y, float* row)
{
   ReduceAxis axes[3];
   for (int a = 0; a < 3; a++) axes[a] = {sizes[a], kept[a] ? Size{1} : Size{0}};
   if (operation == 0) reduce_axes(axes, x, y, row, Sum());
   if (operation == 1) reduce_axes(axes, x, y, row, Mean(reduced_count(axes)));
   if (operation == 2) reduce_axes(axes, x, y, row, Max());
}
template <class T>
ONNX_BRIDGE_KERNEL bool sliced(const Size* sizes, const std::int64_t* cuts, Size* counts, const T* x, T* y)
{
   const Size given[3] = {sizes[0], sizes[1], sizes[2]};
   SliceCut cut[2];
   for (int i = 0; i < 2; i++) cut[i] = {cuts[4 * i], cuts[4 * i + 1], cuts[4 * i + 2], cuts[4 * i + 3]};
   SlicedAxis axes[3];
   if (!plan_slice(given, cut, axes)) return false;
   for (int a = 0; a < 3; a++) counts[a] = axes[a].count;
   if (y != nullptr) copy_slice(axes, x, y);
   return true;
}
ONNX_BRIDGE_KERNEL void gates(Size directions, Size G, Size H, Size K, const float* source, const float* added, Size sums, float* packed)
{
   const Size panels = (H + 15) / 16;
   pack_gates(directions, G, H, K, source, added, sums, G * H * K, packed, panels * G * K * 16);
}
ONNX_BRIDGE_KERNEL void smoothed(bool cubic, bool exclude, Size in, Size out, Size inner, Size taps, std::int32_t* index, float* weight,
                                 unsigned char* outside, const float* x, float* y)
{
   const float scale = static_cast<float>(out) / static_cast<float>(in);
   const ResizeAxis axis = {in, out, scale, Coordinates::half_pixel, cubic ? Interpolation::cubic : Interpolation::linear, Nearest::floor, -0.75f, exclude, 0.f, 1.f};
   resize_wide_table(axis, taps, index, weight, outside);
   resize_wide_axis(2, in, out, inner, taps, index, weight, x, y);
}
template <class T>
ONNX_BRIDGE_KERNEL void grid(Size count, Size d, Size h, Size w, bool align, const T* theta, T* y)
{
   if (d > 0) {
      const Size sizes[3] = {d, h, w};
      return affine_grid(count, sizes, align, theta, y);
   }
   const Size sizes[2] = {h, w};
   affine_grid(count, sizes, align, theta, y);
}
ONNX_BRIDGE_KERNEL void joined(Size images, Size a, Size b, const float* x, const float* z, float* y) { concat_blocked(images, {{x, a}, {z, b}}, y); }
template <class T>
ONNX_BRIDGE_KERNEL void determined(Size count, Size n, const T* x, char* work, T* y) { determinants(count, n, x, work, y); }
ONNX_BRIDGE_KERNEL void mel(Size bins, Size n, const float* numbers, float* y) { mel_weight_matrix(bins, n, numbers, numbers + 1, numbers + 2, y); }

ONNX_BRIDGE_KERNEL Size offset_of(bool wide, Size place, Size total, const std::int64_t* table)
{
   return wide ? sequence_offset<9>(place, total, table) : sequence_offset<2>(place, total, table);
}
ONNX_BRIDGE_KERNEL bool in_one(Size length, Size total, int axis, bool stacked, const std::int64_t* table, Size* sizes, const float* x, float* y)
{
   return join_elements<2>(length, total, axis, table, x, y) && joined_sizes<2>(length, total, axis, stacked, table, sizes);
}
ONNX_BRIDGE_KERNEL Size place_of(std::int64_t place, Size length) { return sequence_place(place, length); }
ONNX_BRIDGE_KERNEL void chunked(Size outer, Size whole, Size inner, Size size, const float* x, float* y, std::int64_t* table, std::int64_t* wide)
{
   const Size sizes[3] = {outer, whole, inner}, n = (whole + size - 1) / size;
   put_chunks(outer, whole, inner, size, x, y);
   put_chunk_rows<3>(n, size, 1, sizes, table);
   copy_rows<9, 3>(n, table, wide);
}

template <class T>
ONNX_BRIDGE_KERNEL void uniform(std::uint64_t seed, Size count, T* y) { random_uniform(seed, count, T(-2), T(3), y); }
template <class T>
ONNX_BRIDGE_KERNEL void normal(std::uint64_t seed, Size count, T* y) { random_normal(seed, count, T(1), T(2), y); }
ONNX_BRIDGE_KERNEL void chosen(std::uint64_t seed, Size rows, Size classes, Size samples, const float* x, char* work, std::int32_t* y)
{
   multinomial(seed, rows, classes, samples, x, work, y);
}
ONNX_BRIDGE_KERNEL void dropped(std::uint64_t seed, Size count, float ratio, const float* x, float* y, bool* mask)
{
   dropout(seed, count, true, ratio, x, y, mask);
}

ONNX_BRIDGE_KERNEL void unpacked(Size N, Size K, Size block, int bits, const std::uint8_t* w, const float* scales, const std::uint8_t* zeros,
                                 const std::int32_t* group, float* y)
{
   dequantize_blocks(N, K, block, bits, w, scales, zeros, group, y);
}
