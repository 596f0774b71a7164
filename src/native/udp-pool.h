// Many UDP sockets polled as one: a single epoll descriptor that is readable when any of them is.
#pragma once
#include <sys/epoll.h>

#include <memory>

#include "slot-table.h"
#include "udp-socket.h"

namespace crosspoint {

class UdpPool {
 public:
  static constexpr int kBatch = 256;

  UdpPool();
  ~UdpPool() { Close(); }
  UdpPool(const UdpPool&) = delete;
  UdpPool& operator=(const UdpPool&) = delete;

  int epollFd() const { return epollFd_; }
  size_t size() const { return sockets_.size(); }

  /** 0 or an errno. */
  int Open(const UdpOptions& options, int32_t* id);
  /** nullptr when it is not open. */
  std::shared_ptr<UdpSocket> Find(int32_t id);
  /** The same, for as long as nobody closes it. */
  UdpSocket* Borrow(int32_t id);
  /** False when it is not open. */
  bool CloseSocket(int32_t id);
  void Close();

  /** Fills the slots from all sockets that have something. False when nothing was left after it. */
  bool Receive(ReceiveSlots& slots, double clockOffsetUs);
  /** Of all sockets, closed ones included. */
  UdpCounters Counters();

  const std::shared_ptr<AddressTable> addresses;

 private:
  /** What one socket may take of a batch, so that a flood to one port leaves room for the others. */
  static constexpr int kShare = 32;
  static constexpr int kEvents = kBatch;

  bool Poll();
  void ReceiveFrom(UdpSocket& socket, int32_t id, ReceiveSlots& slots, double clockOffsetUs);

  int epollFd_;
  SlotTable<std::shared_ptr<UdpSocket>> sockets_;
  UdpCounters closed_;
  epoll_event events_[kEvents];
  /** Sockets found readable, and how many of them were read. */
  int ready_ = 0;
  int next_ = 0;
  /** A socket may hold more than was read. */
  bool more_ = false;
  uint32_t polls_ = 0;
};

}  // namespace crosspoint
