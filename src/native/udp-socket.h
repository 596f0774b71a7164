// One non-blocking UDP socket, read and written in batches (recvmmsg, sendmmsg). Knows nothing of JavaScript.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <mutex>

#include "address-table.h"
#include "counter.h"
#include "multicast.h"
#include "receive-slots.h"

namespace crosspoint {

struct UdpCounters {
  Counter received;
  Counter truncated;
  Counter sent;
  Counter sendErrors;
  Counter sendWouldBlock;
  Counter receiveOverflows;

  void Add(const UdpCounters& other);
};

/** An address in the form that the socket's family wants. */
struct NativeAddress {
  sockaddr_storage storage;
  socklen_t length;
};

struct UdpOptions {
  sockaddr_in6 host;
  /** 0: the system's default. */
  int receiveBufferBytes = 0;
  int sendBufferBytes = 0;
  bool reuse = false;
  /** The kernel stamps each datagram: `arrivedUs` of the batch is filled then. */
  bool stamps = false;
  MulticastOptions multicast;
};

class UdpSocket {
 public:
  explicit UdpSocket(std::shared_ptr<AddressTable> addresses) : addresses(std::move(addresses)) {}
  ~UdpSocket() { Close(); }
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /** Binds; 0 or an errno. */
  int Open(const UdpOptions& options);
  /** Waits for a `SendAside` that is under way. */
  void Close();
  int fd() const { return fd_; }
  /** What it was bound to, with the port that the kernel chose. */
  const sockaddr_in6& localAddress() const { return local_; }
  /** What the kernel granted, as it counts: with its own overhead. */
  int ReceiveBufferBytes() const { return BufferBytes(SO_RCVBUF); }
  int SendBufferBytes() const { return BufferBytes(SO_SNDBUF); }

  /** Adds at most `limit` datagrams to the batch; `stampOffsetUs` turns the kernel's stamps into `arrivedUs`. */
  int Receive(ReceiveSlots& slots, int limit, double stampOffsetUs = 0);
  bool Send(const sockaddr_in6& to, const uint8_t* data, size_t size);
  /** From another thread than the one that closes the socket. */
  bool SendAside(const NativeAddress& to, const uint8_t* data, size_t size);
  /** Sends as far as the kernel takes them; whatever it refuses is counted and skipped. The number sent. */
  uint32_t SendAll(mmsghdr* messages, uint32_t count);
  /** False when the socket cannot reach that family. */
  bool ToNative(const sockaddr_in6& address, NativeAddress* out) const;
  /** Counts a refusal of the kernel. */
  void CountRefusal(int error, uint64_t datagrams);

  const std::shared_ptr<AddressTable> addresses;
  UdpCounters counters;
  /** When it was read last, for whoever polls it. */
  uint32_t readAtPoll = 0;

 private:
  int Configure(const UdpOptions& options);
  int BufferBytes(int option) const;
  bool SendTo(const NativeAddress& to, const uint8_t* data, size_t size);
  /** Reads what the kernel says beside a datagram. */
  void ReadControl(const msghdr& header, double stampOffsetUs, double* arrivedUs);
  int32_t InternSource(const sockaddr_storage& source);

  int fd_ = -1;
  int family_ = AF_INET6;
  sockaddr_in6 local_{};
  uint32_t kernelDrops_ = 0;
  int32_t lastSource_ = -1;
  std::mutex closing_;
};

}  // namespace crosspoint
