// Packets that leave at their deadlines, sent by a thread that nothing else keeps busy. Knows nothing of JavaScript.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "lateness.h"
#include "slot-table.h"
#include "udp-socket.h"

namespace crosspoint {

struct PacedTarget {
  std::shared_ptr<UdpSocket> socket;
  NativeAddress to;
};

struct PacedCounters {
  uint64_t sent = 0;
  uint64_t late = 0;
  uint64_t refusedFull = 0;
  uint64_t flushed = 0;
  uint64_t refusedByKernel = 0;
  Lateness lateness;
};

class PacedSender {
 public:
  PacedSender();
  ~PacedSender() { Close(); }
  PacedSender(const PacedSender&) = delete;
  PacedSender& operator=(const PacedSender&) = delete;

  /** -1 when there are too many. */
  int32_t Add(PacedTarget target, uint32_t maxPackets);
  bool Retarget(int32_t id, PacedTarget target);
  /** `dueUs` is of the monotonic clock. False when the queue is full or there is no such stream. */
  bool Queue(int32_t id, int64_t dueUs, const uint8_t* data, size_t size);
  uint32_t Flush(int32_t id);
  uint32_t Queued(int32_t id);
  void Remove(int32_t id);
  PacedCounters Counters();
  /** Waits for the packets that the thread is sending; what is queued stays unsent. */
  void Close();

 private:
  struct Packet {
    int64_t dueUs = 0;
    std::shared_ptr<const PacedTarget> target;
    std::vector<uint8_t> bytes;
    bool sent = false;
    int64_t lateUs = 0;
  };
  using PacketPointer = std::unique_ptr<Packet>;
  struct Stream {
    std::shared_ptr<const PacedTarget> target;
    std::deque<PacketPointer> packets;
    uint32_t maxPackets = 0;
  };
  /** The deadline of a stream's first packet, and the stream. */
  using Turn = std::pair<int64_t, int32_t>;

  void Run();
  void TakeDue(int64_t untilUs);
  void SendTaken();
  void CountTaken();
  PacketPointer NewPacket();
  uint32_t Drop(Stream& stream, int32_t id);

  std::mutex mutex_;
  std::condition_variable changed_;
  SlotTable<Stream> streams_;
  std::set<Turn> turns_;
  /** Packets to use again, with the room they have. */
  std::vector<PacketPointer> spare_;
  PacedCounters counters_;
  /** When the thread wakes up by itself. */
  int64_t wakeAtUs_ = 0;
  bool closing_ = false;
  /** The thread's own. */
  std::vector<PacketPointer> taken_;
  std::thread thread_;
};

}  // namespace crosspoint
