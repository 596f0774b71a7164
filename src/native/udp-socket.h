// One non-blocking UDP socket, read and written in batches (recvmmsg, sendmmsg). Knows nothing of JavaScript.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "address-table.h"

namespace crosspoint {

struct UdpCounters {
  uint64_t received = 0;
  uint64_t truncated = 0;
  uint64_t sent = 0;
  uint64_t sendErrors = 0;
  uint64_t sendWouldBlock = 0;
  uint64_t receiveOverflows = 0;
};

/** An address in the form that the socket's family wants. */
struct NativeAddress {
  sockaddr_storage storage;
  socklen_t length;
};

/** Where `Receive` writes: a slab of equal slots and one entry per datagram in each array. */
struct ReceiveBatch {
  uint8_t* slab;
  int32_t* offsets;
  int32_t* lengths;
  int32_t* from;
};

class UdpSocket {
 public:
  static constexpr int kBatch = 64;
  static constexpr size_t kSlotBytes = 2048;

  explicit UdpSocket(uint32_t transientAddresses) : addresses(transientAddresses) {}
  ~UdpSocket() { Close(); }
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /** Binds; 0 or an errno. */
  int Open(const sockaddr_in6& host, int receiveBufferBytes, int sendBufferBytes);
  void Close();
  int fd() const { return fd_; }
  uint16_t port() const { return port_; }
  /** What the kernel granted, as it counts: with its own overhead. */
  int ReceiveBufferBytes() const { return BufferBytes(SO_RCVBUF); }
  int SendBufferBytes() const { return BufferBytes(SO_SNDBUF); }

  /** Up to kBatch datagrams. The number kept; `read` is the number taken from the kernel. */
  int Receive(const ReceiveBatch& out, int* read);
  bool Send(const sockaddr_in6& to, const uint8_t* data, size_t size);
  /** Sends as far as the kernel takes them; whatever it refuses is counted and skipped. The number sent. */
  uint32_t SendAll(mmsghdr* messages, uint32_t count);
  /** False when the socket cannot reach that family. */
  bool ToNative(const sockaddr_in6& address, NativeAddress* out) const;
  /** Counts a refusal of the kernel. */
  void CountRefusal(int error, uint64_t datagrams);

  AddressTable addresses;
  UdpCounters counters;

 private:
  int Configure(int receiveBufferBytes, int sendBufferBytes);
  int BufferBytes(int option) const;
  void NoteOverflow(const msghdr& header);
  int32_t InternSource(const sockaddr_storage& source);

  int fd_ = -1;
  int family_ = AF_INET6;
  uint16_t port_ = 0;
  uint32_t kernelDrops_ = 0;
};

}  // namespace crosspoint
