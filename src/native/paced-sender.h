// Packets that leave at their deadlines, sent by a thread that nothing else keeps busy. Knows nothing of JavaScript.
// No lock is shared with the thread: whoever queues may be interrupted anywhere without delaying it.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "counter.h"
#include "hand-over.h"
#include "lateness.h"
#include "slot-table.h"
#include "udp-socket.h"
#include "wake-signal.h"

namespace crosspoint {

struct PacedTarget {
  std::shared_ptr<UdpSocket> socket;
  NativeAddress to;
};

struct PacedCounters {
  Counter sent;
  Counter late;
  Counter refusedFull;
  Counter flushed;
  Counter refusedByKernel;
  Lateness lateness;
};

class PacedSender {
 public:
  PacedSender();
  ~PacedSender();
  PacedSender(const PacedSender&) = delete;
  PacedSender& operator=(const PacedSender&) = delete;

  /** -1 when there are too many. */
  int32_t Add(PacedTarget target, uint32_t maxPackets);
  bool Retarget(int32_t id, PacedTarget target);
  /** `dueUs` is of the monotonic clock. False when the queue is full or there is no such stream. */
  bool Queue(int32_t id, int64_t dueUs, const uint8_t* data, size_t size);
  /** None of the packets that it counts will leave. */
  uint32_t Flush(int32_t id);
  uint32_t Queued(int32_t id);
  void Remove(int32_t id);
  /** Waits for a packet that is being sent; what is queued stays unsent. */
  void Close();

  PacedCounters counters;

 private:
  /** How many packets wait, and how often the queue was flushed: one word, so that both change together. */
  struct Waiting {
    std::atomic<uint64_t> word{0};
    static uint32_t CountOf(uint64_t word) { return static_cast<uint32_t>(word); }
    static uint32_t FlushesOf(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
    uint32_t Flush();
    bool Claim(uint32_t flushes);
  };
  struct Stream {
    std::shared_ptr<const PacedTarget> target;
    std::shared_ptr<Waiting> waiting;
    uint32_t maxPackets = 0;
    int64_t lastDueUs = 0;
  };
  struct Packet {
    Packet* next = nullptr;
    int64_t dueUs = 0;
    /** Order among equal deadlines. */
    uint64_t number = 0;
    uint32_t flushes = 0;
    std::shared_ptr<Waiting> waiting;
    std::shared_ptr<const PacedTarget> target;
    std::vector<uint8_t> bytes;
  };

  Packet* NewPacket();
  void Run();
  void SleepUntilDue();
  void TakeIncoming();
  void SendDue(int64_t untilUs);
  void SendOne(Packet& packet);
  static bool IsLater(const Packet* a, const Packet* b);

  SlotTable<Stream> streams_;
  /** Packets to use again, with the room they have. */
  Packet* spare_ = nullptr;
  uint64_t nextNumber_ = 0;

  HandOver<Packet> incoming_;
  HandOver<Packet> used_;
  WakeSignal signal_;
  /** When the thread wakes up by itself; in the past while it is awake. */
  std::atomic<int64_t> wakeAtUs_{0};
  std::atomic<bool> closing_{false};

  /** The thread's own: a heap, the next one to leave in front. */
  std::vector<Packet*> heap_;
  std::thread thread_;
};

}  // namespace crosspoint
