// How late packets left, added by one thread and read by another: buckets at most an eighth of their value wide.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "counter.h"

namespace crosspoint {

class Lateness {
 public:
  void Add(int64_t us) {
    const auto value = static_cast<uint32_t>(std::clamp<int64_t>(us, 0, INT32_MAX));
    buckets_[BucketOf(value)]++;
    if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
  }

  /** The value that `share` of all are not above, rounded up; 0 when there are none. */
  uint32_t Quantile(double share) const {
    uint64_t count = 0;
    for (const Counter& bucket : buckets_) count += bucket;
    auto left = static_cast<int64_t>(share * static_cast<double>(count));
    for (uint32_t bucket = 0; bucket < kBuckets; bucket++) {
      left -= static_cast<int64_t>(buckets_[bucket].get());
      if (left < 0) return std::min(EndOf(bucket), max());
    }
    return max();
  }
  uint32_t max() const { return max_.load(std::memory_order_relaxed); }

 private:
  static constexpr uint32_t kBuckets = 30 * 8;
  /** Exact below 16; above it the three bits behind the highest one choose among eight buckets. */
  static uint32_t ShiftOf(uint32_t value) { return value < 16 ? 0 : std::bit_width(value) - 4; }
  static uint32_t BucketOf(uint32_t value) { return ShiftOf(value) * 8 + (value >> ShiftOf(value)); }
  static uint32_t EndOf(uint32_t bucket) {
    const uint32_t shift = bucket < 16 ? 0 : bucket / 8 - 1;
    return ((bucket - shift * 8 + 1) << shift) - 1;
  }

  std::array<Counter, kBuckets> buckets_;
  std::atomic<uint32_t> max_{0};
};

}  // namespace crosspoint
