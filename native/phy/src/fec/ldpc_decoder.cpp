#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>

#include "../simd.hpp"
#include "base_graph.hpp"
#include "check_count.hpp"
#include "ldpc_kernels.hpp"

namespace otabench::phy::fec {

namespace {

constexpr int kMaxIterations = 200;
constexpr std::int8_t kCertain = 127; // the sign of a filler is known

std::size_t padded(int liftingSize) {
  return static_cast<std::size_t>((liftingSize + kWidestVector - 1) / kWidestVector) * kWidestVector;
}

constexpr float kLimit = kGreatestMessage;

/** Rounds to nearest. */
OTAPHY_CLONES void quantise(const float* llrs, int count, std::int8_t* out) {
  for (int i = 0; i < count; ++i) {
    const float v = llrs[i] * kStepsPerUnit;
    const float clipped = v > kLimit ? kLimit : v > -kLimit ? v : -kLimit; // NaN is not to get through
    out[i] = static_cast<std::int8_t>(static_cast<int>(clipped + 192.5F) - 192);
  }
}

/**
 * Layers of a code for a number of rows and of columns that are not all filler. The core rows come last: they
 * hold both columns that are never sent, which other rows tell of first (one iteration less than in order).
 */
struct Schedule {
  std::vector<LdpcEdge> edges;
  std::vector<LdpcLayer> layers;
  std::vector<int> order; // per column: shift of its last row, in which an iteration leaves it

  Schedule(const LdpcCode& code, int rows, int usedInfoColumns) {
    const int core = code.infoColumns() + kCoreRows, z = code.liftingSize;
    std::vector<std::vector<Circulant>> all(rows);
    std::size_t count = 0;
    for (const Circulant& c : circulants(code))
      if (c.row < rows && c.column < core && (c.column < usedInfoColumns || c.column >= code.infoColumns())) {
        all[rows - 1 - c.row].push_back(c);
        ++count;
      }
    order.assign(core, 0);
    for (const auto& layer : all)
      for (const Circulant& c : layer)
        order[c.column] = c.shift;
    edges.reserve(count); // layers point into it
    std::vector<int> now = order;
    for (const auto& layer : all) {
      const int own = layer.front().row >= kCoreRows ? layer.front().row - kCoreRows : -1;
      layers.push_back(
          {edges.data() + edges.size(), static_cast<int>(layer.size()), own, edges.size() * padded(z)});
      for (const Circulant& c : layer) {
        edges.push_back({static_cast<std::uint16_t>(c.column),
                         static_cast<std::uint16_t>((c.shift - now[c.column] + z) % z)});
        now[c.column] = c.shift;
      }
    }
  }
};

const LdpcKernel& kernelOf(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::Avx512)
    return kLdpcAvx512;
  if (isa == Isa::Avx2)
    return kLdpcAvx2;
#endif
  (void)isa;
  return kLdpcBaseline;
}

} // namespace

const char* toString(Isa isa) {
  return isa == Isa::Avx512 ? "avx512" : isa == Isa::Avx2 ? "avx2" : "baseline";
}

std::vector<Isa> supportedIsas() {
  std::vector<Isa> isas = {Isa::Baseline};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2"))
    isas.push_back(Isa::Avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
    isas.push_back(Isa::Avx512);
#endif
  return isas;
}

struct LdpcDecoder::Impl {
  int maxIterations;
  const LdpcKernel& kernel;
  std::map<std::tuple<BaseGraph, int, int, int>, Schedule> schedules;
  std::vector<std::int8_t> channel, buffers, messages, own;
  std::vector<std::uint8_t> current;

  const Schedule& scheduleOf(const LdpcCode& code, int rows, int usedInfoColumns) {
    const auto key = std::make_tuple(code.graph, code.liftingSize, rows, usedInfoColumns);
    const auto found = schedules.find(key);
    return found != schedules.end() ? found->second
                                    : schedules.try_emplace(key, code, rows, usedInfoColumns).first->second;
  }

  /** Signs of the information columns, in their natural order. */
  void decide(const LdpcState& state, const std::vector<int>& order, Bits& bits) const {
    const int z = state.liftingSize;
    for (std::size_t begin = 0, column = 0; begin < bits.size(); begin += z, ++column) {
      const std::int8_t* posteriors = state.buffers + (2 * column + state.current[column]) * state.stride;
      const int count = static_cast<int>(std::min<std::size_t>(z, bits.size() - begin));
      // Natural index i lies at (i - order) mod Z.
      const int wrap = std::min(count, order[column]);
      for (int i = 0; i < wrap; ++i)
        bits[begin + i] = static_cast<std::uint8_t>(posteriors[i + z - order[column]] < 0 ? 1 : 0);
      for (int i = wrap; i < count; ++i)
        bits[begin + i] = static_cast<std::uint8_t>(posteriors[i - order[column]] < 0 ? 1 : 0);
    }
  }
};

LdpcDecoder::LdpcDecoder(int maxIterations, Isa isa) {
  if (maxIterations < 1 || maxIterations > kMaxIterations)
    throw PhyError("maxIterations", std::to_string(maxIterations), "1.." + std::to_string(kMaxIterations));
  const std::vector<Isa> isas = supportedIsas();
  if (std::find(isas.begin(), isas.end(), isa) == isas.end())
    throw PhyError("isa", toString(isa), "what this processor has");
  impl_ = std::unique_ptr<Impl>(new Impl{maxIterations, kernelOf(isa), {}, {}, {}, {}, {}, {}});
}
LdpcDecoder::~LdpcDecoder() = default;
LdpcDecoder::LdpcDecoder(LdpcDecoder&&) noexcept = default;
LdpcDecoder& LdpcDecoder::operator=(LdpcDecoder&&) noexcept = default;

LdpcDecoder::Result LdpcDecoder::decode(const RateMatching& matching, Span<const float> llrs, Crc crc,
                                        Bits& bits) {
  const LdpcCode& code = matching.code;
  checkCount("LLRs", llrs.size(), code.codedBits());
  const int z = code.liftingSize, rows = matching.activeRows(), infoColumns = code.infoColumns();
  const int blockBits = code.infoBits() - matching.fillerBits;
  const Schedule& schedule = impl_->scheduleOf(code, rows, (blockBits + z - 1) / z);

  // 8-bit LLRs of all columns in use; the first two were not sent.
  const int columns = infoColumns + rows;
  std::vector<std::int8_t>& channel = impl_->channel;
  channel.assign(static_cast<std::size_t>(columns) * z, 0);
  quantise(llrs.data, (columns - 2) * z, channel.data() + 2 * z);
  bits.assign(blockBits, 0);
  Result result;
  // Where nothing was received all bits would be decided for zeros, whose parity holds.
  if (std::all_of(channel.begin(), channel.end(), [](std::int8_t v) { return v == 0; }))
    return result;
  std::fill(channel.begin() + blockBits, channel.begin() + code.infoBits(), kCertain);

  const int core = infoColumns + kCoreRows;
  LdpcState state{};
  state.liftingSize = z;
  state.ownStride = padded(z);
  state.stride = padded(z) + kWidestVector;
  impl_->buffers.resize(2 * state.stride * core);
  impl_->current.assign(core, 0);
  impl_->messages.assign(schedule.edges.size() * state.ownStride, 0);
  impl_->own.assign(state.ownStride * (rows - kCoreRows), 0);
  state.buffers = impl_->buffers.data();
  state.current = impl_->current.data();
  state.messages = impl_->messages.data();
  state.own = impl_->own.data();
  for (int c = 0; c < core; ++c) {
    const std::int8_t* source = channel.data() + static_cast<std::size_t>(c) * z;
    std::int8_t* target = state.buffers + 2 * state.stride * c;
    const int order = schedule.order[c];
    std::copy(source + order, source + z, target);
    std::copy(source, source + order, target + z - order);
    for (int i = 0; i < kWidestVector; ++i)
      target[z + i] = target[i % z];
  }
  for (int row = kCoreRows; row < rows; ++row)
    std::copy_n(channel.data() + static_cast<std::size_t>(infoColumns + row) * z, z,
                impl_->own.data() + state.ownStride * (row - kCoreRows));

  while (!result.ok && result.iterations < impl_->maxIterations) {
    ++result.iterations;
    const bool failed = impl_->kernel.run(schedule.layers.data(), rows, state);
    // The core rows hold every information column: when they are content, the CRC decides.
    if (!failed || result.iterations == impl_->maxIterations) {
      impl_->decide(state, schedule.order, bits);
      result.ok = crcHolds(crc, bits);
    }
  }
  return result;
}

} // namespace otabench::phy::fec
