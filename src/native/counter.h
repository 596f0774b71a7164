// A counter that one thread adds to while another reads it.
#pragma once
#include <atomic>
#include <cstdint>

namespace crosspoint {

class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) : value_(other.get()) {}
  Counter& operator=(const Counter& other) {
    value_.store(other.get(), std::memory_order_relaxed);
    return *this;
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }
  operator uint64_t() const { return get(); }
  void operator+=(uint64_t more) { value_.fetch_add(more, std::memory_order_relaxed); }
  void operator++(int) { *this += 1; }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace crosspoint
