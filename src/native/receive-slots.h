// Room for the datagrams of one batch, prepared once for recvmmsg.
#pragma once
#include <sys/socket.h>
#include <time.h>

#include <cstdint>
#include <vector>

namespace crosspoint {

/** One entry for each datagram in each array; the slab has a slot of equal size for each. */
struct BatchMemory {
  uint8_t* slab = nullptr;
  int32_t* offsets = nullptr;
  int32_t* lengths = nullptr;
  int32_t* from = nullptr;
  /** Only in the batches of a pool: the socket, and when the kernel got the datagram. */
  int32_t* sockets = nullptr;
  double* arrivedUs = nullptr;
};

class ReceiveSlots {
 public:
  static constexpr size_t kSlotBytes = 2048;

  explicit ReceiveSlots(int capacity);
  /** The memory lives as long as the slots are used. */
  void Attach(const BatchMemory& memory);

  void Clear() { taken_ = kept = 0; }
  int free() const { return capacity - taken_; }
  /** Reads from a socket into free slots, at most `limit`. What recvmmsg answers: taken datagrams or -1. */
  int Read(int fd, int limit);
  /** The header of one of the datagrams that the last `Read` took. */
  const msghdr& Header(int index) const { return messages_[first_ + index].msg_hdr; }
  const sockaddr_storage& Source(int index) const { return sources_[first_ + index]; }
  /** Adds one of the datagrams of the last `Read` to the batch. */
  void Keep(int index, int32_t from);

  const int capacity;
  /** Datagrams in the batch. */
  int kept = 0;
  BatchMemory memory;

 private:
  /** The kernel's count of dropped datagrams (SO_RXQ_OVFL), and the time of arrival (SO_TIMESTAMPNS). */
  struct alignas(cmsghdr) Control {
    char bytes[CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(timespec))];
  };

  std::vector<mmsghdr> messages_;
  std::vector<iovec> parts_;
  std::vector<sockaddr_storage> sources_;
  std::vector<Control> control_;
  int taken_ = 0;
  int first_ = 0;
};

}  // namespace crosspoint
