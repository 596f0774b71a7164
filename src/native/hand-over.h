// Things handed from one thread to another without a lock, all at once on the taking side.
#pragma once
#include <atomic>

namespace crosspoint {

/** T has a member `T* next`. What is left at the end is deleted. */
template <class T>
class HandOver {
 public:
  HandOver() = default;
  ~HandOver() { DeleteAll(head_.exchange(nullptr)); }
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;

  void Push(T* thing) {
    thing->next = head_.load();
    while (!head_.compare_exchange_weak(thing->next, thing)) {
    }
  }
  bool empty() const { return head_.load() == nullptr; }
  /** Everything, the latest first, chained by `next`. */
  T* TakeAll() { return empty() ? nullptr : head_.exchange(nullptr); }

  static void DeleteAll(T* first) {
    while (first != nullptr) {
      T* next = first->next;
      delete first;
      first = next;
    }
  }

 private:
  std::atomic<T*> head_{nullptr};
};

}  // namespace crosspoint
