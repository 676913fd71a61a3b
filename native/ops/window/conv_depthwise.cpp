// The gradient of a depthwise convolution's weight. As many channels as a panel has columns are
// turned into the lanes of each pixel, of the image and of the gradient; then every tap is a sum
// over pixels, the same chain as in conv_weight.cpp. Threads share channels.
#include <string.h>

#include "../../base/scratch.h"
#include "conv_patches.h"

namespace tilegrad {
namespace {

// Fewer channels leave more lanes empty than the matrix product does: that has one column of 16 to
// 32 in use, but is an FMA for each tap and pixel as this is.
constexpr int64_t kLeastChannels = 4;
// Planes whose lanes would take more are left to the matrix product, which works in blocks.
constexpr double kMostBytes = 16 << 20;

// Elements of a channel from its first place to the last one that a tap sees.
int64_t extentOf(const PixelLines& lines, int64_t farthest) {
  int64_t extent = farthest + 1;
  for (int i = 0; i < kAxes; ++i) extent += (lines.size[i] - 1) * lines.stride[i];
  return extent;
}

template <class T>
int64_t extentOf(const Command& c, const ConvShape& s, int64_t* offsets) {
  const Stage<T> stage(inputWindow(s), imageView<T>(c, c.data[0], 0, 0, 1));
  const int64_t farthest = inputOffsets(s, stage, offsets);
  return extentOf(outputPixels(s, stage), farthest);
}

template <class T>
class DepthwisePart {
 public:
  DepthwisePart(const Command& command, const ConvShape& shape)
      : c(command),
        s(shape),
        taps(shape.taps()),
        pixels(shape.out[0] * shape.out[1] * shape.out[2]),
        width(floatKernels<T>().gemm.maxCols) {}

  // Channels [begin, end).
  Status run(int64_t begin, int64_t end) const {
    for (int64_t first = begin; first < end; first += width) {
      const Status status = panel(first, min64(width, end - first));
      if (status != Status::ok) return status;
    }
    return Status::ok;
  }

 private:
  Status panel(int64_t first, int64_t channels) const {
    const FloatKernels<T>& kernels = floatKernels<T>();
    const auto image = [&](int64_t n) {
      ImageView<T> view = imageView<T>(c, c.data[0], n, first, 1);
      view.channels = channels;
      return view;
    };
    const Stage<T> stage(inputWindow(s), image(0));
    T* const own = stageMemory(stage);
    if (stage.copies() && !own) return Status::outOfMemory;
    const size_t places = static_cast<size_t>(taps) * sizeof(int64_t);
    const size_t results = static_cast<size_t>(taps * width) * sizeof(T);
    char* const memory = static_cast<char*>(scratch(ScratchSlot::step, results + places));
    if (!memory) return Status::outOfMemory;
    T* const sums = reinterpret_cast<T*>(memory);
    int64_t* const offsets = reinterpret_cast<int64_t*>(memory + results);
    memset(sums, 0, results);
    const int64_t farthest = inputOffsets(s, stage, offsets);
    for (int64_t t = 0; t < taps; ++t) offsets[t] *= width;

    const PixelLines lines = outputPixels(s, stage);
    const int64_t extent = extentOf(lines, farthest);
    T* const x = static_cast<T*>(
        scratch(ScratchSlot::panel, static_cast<size_t>((extent + pixels) * width) * sizeof(T)));
    if (!x) return Status::outOfMemory;
    T* const g = x + extent * width;
    const T* const gradient = static_cast<const T*>(c.data[1]);
    TapSums<T> job = {};
    job.taps = taps;
    job.width = width;
    job.rows = lines.size[1];
    job.count = lines.size[2];
    job.xRow = lines.stride[1] * width;
    job.offsets = offsets;
    job.sums = sums;
    for (int64_t n = 0; n < s.n; ++n) {
      const PatchSource<T> from = stage.read(image(n), own);
      kernels.gemm.packPanel(extent, channels, from.x, 1, stage.channelStride, x);
      kernels.gemm.packPanel(pixels, channels, gradient + (n * s.groups + first) * pixels, 1,
                             pixels, g);
      for (int64_t d = 0; d < lines.size[0]; ++d) {
        job.x = x + d * lines.stride[0] * width;
        job.g = g + d * job.rows * job.count * width;
        kernels.depthwise.sumTaps(job);
      }
    }
    T* const weight = static_cast<T*>(c.data[2]) + first * taps;
    for (int64_t i = 0; i < channels; ++i) {
      for (int64_t t = 0; t < taps; ++t) weight[i * taps + t] = sums[t * width + i];
    }
    return Status::ok;
  }

  const Command& c;
  const ConvShape& s;
  const int64_t taps, pixels, width;
};

}  // namespace

template <class T>
bool isDepthwise(const Command& c, const ConvShape& s, int64_t* offsets) {
  if (s.cg != 1 || s.og != 1 || s.groups < kLeastChannels) return false;
  // Rows of a view may lie far apart.
  const double extent = static_cast<double>(extentOf<T>(c, s, offsets));
  const double width = static_cast<double>(floatKernels<T>().gemm.maxCols * int64_t{sizeof(T)});
  return extent <= 2 * inputWindow(s).elements() && extent * width <= kMostBytes;
}

template <class T>
Status depthwiseWeight(const Command& c, const ConvShape& s, int threads) {
  const DepthwisePart<T> part(c, s);
  if (threads == 1) return part.run(0, s.groups);
  return parallelStatus(s.groups, kVector<T>,
                        [&](int64_t begin, int64_t end) { return part.run(begin, end); });
}

template bool isDepthwise<float>(const Command& c, const ConvShape& s, int64_t* offsets);
template bool isDepthwise<double>(const Command& c, const ConvShape& s, int64_t* offsets);
template Status depthwiseWeight<float>(const Command& c, const ConvShape& s, int threads);
template Status depthwiseWeight<double>(const Command& c, const ConvShape& s, int threads);

}  // namespace tilegrad
