#include "udp-socket.h"

#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace crosspoint {

namespace {

/** The FORCE variant passes the system limit where we may (CAP_NET_ADMIN). */
void SetBuffer(int fd, int forced, int plain, int bytes) {
  if (bytes <= 0) return;
  if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0) {
    setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
  }
}

/** The kernel has no room now; a later datagram may pass. */
bool IsFull(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

}  // namespace

void UdpCounters::Add(const UdpCounters& other) {
  received += other.received;
  truncated += other.truncated;
  sent += other.sent;
  sendErrors += other.sendErrors;
  sendWouldBlock += other.sendWouldBlock;
  receiveOverflows += other.receiveOverflows;
}

int UdpSocket::Configure(const UdpOptions& options) {
  const int on = 1;
  const int off = 0;
  SetBuffer(fd_, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes);
  SetBuffer(fd_, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBufferBytes);
  if (setsockopt(fd_, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) return errno;
  if (options.stamps && setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) return errno;
  if (options.reuse && setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno;
  if (family_ == AF_INET6 && setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) return errno;
  return ConfigureMulticast(fd_, family_, options.multicast);
}

int UdpSocket::Open(const UdpOptions& options) {
  family_ = IsMapped(options.host) ? AF_INET : AF_INET6;
  fd_ = socket(family_, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  NativeAddress local;
  ToNative(options.host, &local);
  int error = Configure(options);
  auto* address = reinterpret_cast<sockaddr*>(&local.storage);
  if (error == 0 && bind(fd_, address, local.length) != 0) error = errno;
  if (error == 0 && getsockname(fd_, address, &local.length) != 0) error = errno;
  if (error != 0) Close();
  local_ = options.host;
  // The port lies at the same place in sockaddr_in and sockaddr_in6.
  local_.sin6_port = reinterpret_cast<sockaddr_in*>(&local.storage)->sin_port;
  return error;
}

void UdpSocket::Close() {
  const std::lock_guard lock(closing_);
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

int UdpSocket::BufferBytes(int option) const {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  getsockopt(fd_, SOL_SOCKET, option, &bytes, &length);
  return bytes;
}

bool UdpSocket::ToNative(const sockaddr_in6& address, NativeAddress* out) const {
  memset(&out->storage, 0, sizeof out->storage);
  if (family_ == AF_INET6) {
    memcpy(&out->storage, &address, sizeof address);
    out->length = sizeof address;
    return true;
  }
  if (!IsMapped(address)) return false;
  const sockaddr_in ipv4 = UnmapIpv4(address);
  memcpy(&out->storage, &ipv4, sizeof ipv4);
  out->length = sizeof ipv4;
  return true;
}

int32_t UdpSocket::InternSource(const sockaddr_storage& source) {
  sockaddr_in6 address = source.ss_family == AF_INET ? MapIpv4(reinterpret_cast<const sockaddr_in&>(source))
                                                     : reinterpret_cast<const sockaddr_in6&>(source);
  address.sin6_flowinfo = 0;
  if (!addresses->Retains(lastSource_, address)) lastSource_ = addresses->Intern(address);
  return lastSource_;
}

/** SO_RXQ_OVFL carries a running 32-bit total. */
void UdpSocket::ReadControl(const msghdr& header, double stampOffsetUs, double* arrivedUs) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
       item = CMSG_NXTHDR(const_cast<msghdr*>(&header), item)) {
    if (item->cmsg_level != SOL_SOCKET) continue;
    if (item->cmsg_type == SO_RXQ_OVFL) {
      uint32_t total;
      memcpy(&total, CMSG_DATA(item), sizeof total);
      counters.receiveOverflows += total - kernelDrops_;
      kernelDrops_ = total;
    } else if (item->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp;
      memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
      *arrivedUs = static_cast<double>(stamp.tv_sec) * 1e6 + static_cast<double>(stamp.tv_nsec) / 1e3 + stampOffsetUs;
    }
  }
}

int UdpSocket::Receive(ReceiveSlots& slots, int limit, double stampOffsetUs) {
  const int taken = slots.Read(fd_, limit);
  const int before = slots.kept;
  for (int i = 0; i < taken; i++) {
    const msghdr& header = slots.Header(i);
    double arrivedUs = 0;
    ReadControl(header, stampOffsetUs, &arrivedUs);
    if (header.msg_flags & MSG_TRUNC) {
      counters.truncated++;
      continue;
    }
    if (slots.memory.arrivedUs != nullptr) slots.memory.arrivedUs[slots.kept] = arrivedUs;
    slots.Keep(i, InternSource(slots.Source(i)));
  }
  counters.received += slots.kept - before;
  return taken;
}

void UdpSocket::CountRefusal(int error, uint64_t datagrams) {
  (IsFull(error) ? counters.sendWouldBlock : counters.sendErrors) += datagrams;
}

bool UdpSocket::SendTo(const NativeAddress& to, const uint8_t* data, size_t size) {
  if (sendto(fd_, data, size, 0, reinterpret_cast<const sockaddr*>(&to.storage), to.length) < 0) {
    CountRefusal(errno, 1);
    return false;
  }
  counters.sent++;
  return true;
}

bool UdpSocket::Send(const sockaddr_in6& to, const uint8_t* data, size_t size) {
  NativeAddress address;
  if (ToNative(to, &address)) return SendTo(address, data, size);
  CountRefusal(EAFNOSUPPORT, 1);
  return false;
}

bool UdpSocket::SendAside(const NativeAddress& to, const uint8_t* data, size_t size) {
  const std::lock_guard lock(closing_);
  return fd_ >= 0 && SendTo(to, data, size);
}

uint32_t UdpSocket::SendAll(mmsghdr* messages, uint32_t count) {
  uint32_t sent = 0;
  uint32_t next = 0;
  while (next < count) {
    const int taken = sendmmsg(fd_, messages + next, count - next, 0);
    if (taken <= 0) {
      CountRefusal(errno, 1);
      next++;
      continue;
    }
    next += taken;
    sent += taken;
  }
  counters.sent += sent;
  return sent;
}

}  // namespace crosspoint
