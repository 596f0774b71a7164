// Packet indices: which ones were seen, and which 48-bit index a 16-bit sequence number means (RFC 3711 3.3.1, 3.3.2).
#pragma once
#include <array>
#include <cstdint>

namespace crosspoint {

/** The last 1024 indices of one stream. */
class IndexWindow {
 public:
  static constexpr int64_t kSize = 1024;
  enum class Place { kNew, kSeen, kTooOld };

  bool empty() const { return highest_ < 0; }

  Place Find(int64_t index) const {
    if (index > highest_) return Place::kNew;
    if (index <= highest_ - kSize) return Place::kTooOld;
    return IsSet(index) ? Place::kSeen : Place::kNew;
  }

  void Add(int64_t index) {
    if (index > highest_) Advance(index);
    bits_[Word(index)] |= Bit(index);
  }

  /** The index nearest to the highest one; negative when that would be before the first roll-over count. */
  int64_t Estimate(uint16_t sequence) const {
    if (empty()) return sequence;
    return highest_ + static_cast<int16_t>(sequence - static_cast<uint16_t>(highest_));
  }

 private:
  static size_t Word(int64_t index) { return static_cast<size_t>(index % kSize) / 64; }
  static uint64_t Bit(int64_t index) { return 1ULL << (index % 64); }
  bool IsSet(int64_t index) const { return (bits_[Word(index)] & Bit(index)) != 0; }

  void Advance(int64_t index) {
    if (index - highest_ >= kSize) {
      bits_.fill(0);
    } else {
      for (int64_t skipped = highest_ + 1; skipped <= index; skipped++) bits_[Word(skipped)] &= ~Bit(skipped);
    }
    highest_ = index;
  }

  int64_t highest_ = -1;
  std::array<uint64_t, kSize / 64> bits_{};
};

/**
 * What was sent under each of the last 1024 indices, as the start of its authentication tag. The same packet may be
 * encrypted again (a retransmission: same index, same content, same bytes); another one under a used index may not,
 * because two plaintexts under one nonce give away the key stream and, with GCM, the authentication key.
 */
class SentWindow {
 public:
  int64_t Estimate(uint16_t sequence) const { return window_.Estimate(sequence); }
  IndexWindow::Place Find(int64_t index) const { return window_.Find(index); }
  bool IsSame(int64_t index, uint64_t tag) const { return tags_[index % IndexWindow::kSize] == tag; }
  void Add(int64_t index, uint64_t tag) {
    window_.Add(index);
    tags_[index % IndexWindow::kSize] = tag;
  }

 private:
  IndexWindow window_;
  std::array<uint64_t, IndexWindow::kSize> tags_{};
};

}  // namespace crosspoint
