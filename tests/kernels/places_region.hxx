// places_region.hxx: what places_test.cpp calls in each region.
#include "deform_conv.hxx"
#include "fourier.hxx"
#include "grid_sample.hxx"
#include "max_roi_pool.hxx"
#include "max_unpool.hxx"
#include "roi_align.hxx"
#include "tensor_scatter.hxx"

template <GridMode Mode, int Rank>
ONNX_BRIDGE_KERNEL void sample_padded(int padding, bool align, Size images, Size channels, const Size (&sizes)[3], Size pixels,
                                      const float* x, const float* grid, float* y)
{
   if (padding == 0) grid_sample<Mode, GridPadding::zeros, Rank>(align, images, channels, sizes, pixels, x, grid, y);
   if (padding == 1) grid_sample<Mode, GridPadding::border, Rank>(align, images, channels, sizes, pixels, x, grid, y);
   if (padding == 2) grid_sample<Mode, GridPadding::reflection, Rank>(align, images, channels, sizes, pixels, x, grid, y);
}

template <int Rank>
ONNX_BRIDGE_KERNEL void sample(int mode, int padding, bool align, Size images, Size channels, const Size (&sizes)[3], Size pixels,
                               const float* x, const float* grid, float* y)
{
   if (mode == 0) sample_padded<GridMode::nearest, Rank>(padding, align, images, channels, sizes, pixels, x, grid, y);
   if (mode == 1) sample_padded<GridMode::linear, Rank>(padding, align, images, channels, sizes, pixels, x, grid, y);
   if (mode == 2) sample_padded<GridMode::cubic, Rank>(padding, align, images, channels, sizes, pixels, x, grid, y);
}

ONNX_BRIDGE_KERNEL void regions(bool largest, Size images, Size channels, Size h, Size w, Size count, Size ratio, bool half_pixel,
                                const float* x, const float* rois, const std::int64_t* batch, float* y)
{
   if (largest)
      roi_align<true>(images, channels, h, w, count, 2, 3, ratio, 0.5f, half_pixel, x, rois, batch, y);
   else
      roi_align<false>(images, channels, h, w, count, 2, 3, ratio, 0.5f, half_pixel, x, rois, batch, y);
}

ONNX_BRIDGE_KERNEL void pooled(Size images, Size channels, Size h, Size w, Size count, const float* x, const float* rois, float* y)
{
   max_roi_pool(images, channels, h, w, count, 2, 3, 0.5f, x, rois, y);
}

ONNX_BRIDGE_KERNEL void deformed(Size images, Size channels, Size outs, Size group, Size offset_groups, Size h, Size w, Size oh, Size ow,
                                 const float* x, const float* weights, const float* offset, const float* mask, char* work, float* y)
{
   const DeformAxis none = {1, 1, 1, 1, 1, 0}, down = {h, oh, 2, 1, 1, 1}, across = {w, ow, 3, 1, 2, 1};
   const float* const bias = nullptr;
   deform_conv<2>(images, channels, outs, group, offset_groups, none, down, across, x, weights, offset, bias, mask, work, y);
}

ONNX_BRIDGE_KERNEL void unpooled(Size count, Size size, const float* x, const std::int64_t* indices, float* y)
{
   max_unpool(count, size, x, indices, y);
}

ONNX_BRIDGE_KERNEL void scattered(Size batch, Size outer, Size most, Size count, Size inner, bool circular, const float* cache,
                                  const float* update, const std::int64_t* at, float* y)
{
   tensor_scatter(batch, outer, most, count, inner, circular, cache, update, at, y);
}

/// Transforms of complex numbers, x[count][n][2] to y[count][n][2]; tables and work are as long as they must be.
ONNX_BRIDGE_KERNEL Size transform_size(Size n) { return fourier_size(n); }
ONNX_BRIDGE_KERNEL void transformed(Size count, Size n, bool inverse, double* tables, char* work, const double* x, double* y)
{
   fourier_tables(n, work, tables);
   dft(count, n, 1, 2, n, n, 2, inverse, false, tables, work, x, y);
}
