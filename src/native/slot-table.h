// Things under small integers. An id is a slot and the generation of its use, so that an old id never reaches the
// slot's next thing.
#pragma once
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace crosspoint {

template <class T>
class SlotTable {
 public:
  static constexpr int32_t kSlotBits = 20;
  static constexpr int32_t kSlotMask = (1 << kSlotBits) - 1;

  /** -1 when there is no slot left. */
  int32_t Add(T thing) {
    auto index = static_cast<int32_t>(slots_.size());
    if (!free_.empty()) {
      index = free_.back();
      free_.pop_back();
    } else if (index > kSlotMask) {
      return -1;
    } else {
      slots_.emplace_back();
    }
    slots_[index].thing = std::move(thing);
    slots_[index].alive = true;
    return slots_[index].generation << kSlotBits | index;
  }

  /** nullptr when it was removed, also when its slot was given away since.. */
  T* Find(int32_t id) {
    const auto index = static_cast<size_t>(id & kSlotMask);
    if (id < 0 || index >= slots_.size()) return nullptr;
    Slot& slot = slots_[index];
    return slot.alive && slot.generation == id >> kSlotBits ? &slot.thing : nullptr;
  }

  bool Remove(int32_t id) {
    if (Find(id) == nullptr) return false;
    const int32_t index = id & kSlotMask;
    Slot& slot = slots_[index];
    slot.thing = T();
    slot.alive = false;
    slot.generation = (slot.generation + 1) & kGenerationMask;
    free_.push_back(index);
    return true;
  }

  template <class Visit>
  void ForEach(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.alive) visit(slot.thing);
    }
  }

  size_t size() const { return slots_.size() - free_.size(); }

 private:
  static constexpr int32_t kGenerationMask = 0x7ff;
  struct Slot {
    T thing{};
    int32_t generation = 0;
    bool alive = false;
  };

  /** A deque, so that things stay where they are. */
  std::deque<Slot> slots_;
  std::vector<int32_t> free_;
};

}  // namespace crosspoint
