/** 10^8 samples of noise (another count as argv[1]) must bring no burst. */
#include <cstdlib>

#include "air.hpp"
#include "check.hpp"

using namespace otabench::phy;

int main(int argc, char** argv) {
  const std::int64_t count = argc > 1 ? std::atoll(argv[1]) : 100'000'000;
  constexpr std::size_t kBlock = 100'000;
  std::vector<air::Cf> block(kBlock);
  std::int64_t calls = 0;
  BurstReceiver receiver({}, [&](ReceivedBurst&&) { ++calls; });
  air::Noise noise(20261123);
  for (std::int64_t at = 0; at < count; at += kBlock) {
    // The level wanders over 60 dB: nothing may depend on it.
    noise.write(block.data(), kBlock, std::pow(10, -3 + 3 * air::uniform(1, static_cast<std::uint64_t>(at))));
    receiver.push(block.data(), kBlock, at);
  }
  receiver.flush();
  const auto& c = receiver.counters();
  std::printf("%lld samples: %lld gate openings, %lld detections, %lld sink calls\n",
              static_cast<long long>(c.samples), static_cast<long long>(c.gateOpenings),
              static_cast<long long>(c.detections), static_cast<long long>(calls));
  // A gate that never opens would prove nothing.
  return c.samples >= count && c.detections == 0 && calls == 0 && c.gateOpenings > c.samples / 1'000'000 &&
                 c.gateOpenings < c.samples / 1'000
             ? 0
             : 1;
}
