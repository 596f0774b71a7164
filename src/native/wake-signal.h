// One thread sleeps until a time of the monotonic clock or until another thread wakes it; nobody holds a lock.
#pragma once
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace crosspoint {

class WakeSignal {
 public:
  static constexpr int64_t kNeverUs = INT64_MAX;

  /** Read it before looking for work, and sleep with it: a `Raise` between the two is not missed. */
  uint32_t seen() const { return word_; }

  void Raise() {
    word_++;
    syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }

  void SleepUntil(uint32_t seen, int64_t untilUs) {
    const timespec until{static_cast<time_t>(untilUs / 1'000'000), static_cast<long>(untilUs % 1'000'000 * 1000)};
    // FUTEX_WAIT_BITSET takes an absolute time of CLOCK_MONOTONIC.
    syscall(SYS_futex, &word_, FUTEX_WAIT_BITSET_PRIVATE, seen, untilUs == kNeverUs ? nullptr : &until, nullptr,
            FUTEX_BITSET_MATCH_ANY);
  }

 private:
  std::atomic<uint32_t> word_{0};
  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
};

}  // namespace crosspoint
