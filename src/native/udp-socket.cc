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

int UdpSocket::Configure(int receiveBufferBytes, int sendBufferBytes) {
  const int on = 1;
  const int off = 0;
  SetBuffer(fd_, SO_RCVBUFFORCE, SO_RCVBUF, receiveBufferBytes);
  SetBuffer(fd_, SO_SNDBUFFORCE, SO_SNDBUF, sendBufferBytes);
  if (setsockopt(fd_, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) return errno;
  if (family_ == AF_INET6 && setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) return errno;
  return 0;
}

int UdpSocket::Open(const sockaddr_in6& host, int receiveBufferBytes, int sendBufferBytes) {
  family_ = IsMapped(host) ? AF_INET : AF_INET6;
  fd_ = socket(family_, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return errno;
  NativeAddress local;
  ToNative(host, &local);
  int error = Configure(receiveBufferBytes, sendBufferBytes);
  auto* address = reinterpret_cast<sockaddr*>(&local.storage);
  if (error == 0 && bind(fd_, address, local.length) != 0) error = errno;
  if (error == 0 && getsockname(fd_, address, &local.length) != 0) error = errno;
  if (error != 0) Close();
  // The port lies at the same place in sockaddr_in and sockaddr_in6.
  port_ = ntohs(reinterpret_cast<sockaddr_in*>(&local.storage)->sin_port);
  return error;
}

void UdpSocket::Close() {
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
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = address.sin6_port;
  memcpy(&ipv4.sin_addr, address.sin6_addr.s6_addr + 12, 4);
  memcpy(&out->storage, &ipv4, sizeof ipv4);
  out->length = sizeof ipv4;
  return true;
}

int32_t UdpSocket::InternSource(const sockaddr_storage& source) {
  if (source.ss_family == AF_INET) return addresses.Intern(MapIpv4(reinterpret_cast<const sockaddr_in&>(source)));
  sockaddr_in6 address = reinterpret_cast<const sockaddr_in6&>(source);
  address.sin6_flowinfo = 0;
  return addresses.Intern(address);
}

/** SO_RXQ_OVFL carries a running 32-bit total. */
void UdpSocket::NoteOverflow(const msghdr& header) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
       item = CMSG_NXTHDR(const_cast<msghdr*>(&header), item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t total;
    memcpy(&total, CMSG_DATA(item), sizeof total);
    counters.receiveOverflows += total - kernelDrops_;
    kernelDrops_ = total;
  }
}

int UdpSocket::Receive(const ReceiveBatch& out, int* read) {
  mmsghdr messages[kBatch];
  iovec slots[kBatch];
  sockaddr_storage sources[kBatch];
  alignas(cmsghdr) char control[kBatch][CMSG_SPACE(sizeof(uint32_t))];
  for (int i = 0; i < kBatch; i++) {
    slots[i] = {out.slab + i * kSlotBytes, kSlotBytes};
    messages[i] = {};
    messages[i].msg_hdr.msg_name = &sources[i];
    messages[i].msg_hdr.msg_namelen = sizeof sources[i];
    messages[i].msg_hdr.msg_iov = &slots[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_hdr.msg_control = control[i];
    messages[i].msg_hdr.msg_controllen = sizeof control[i];
  }
  *read = recvmmsg(fd_, messages, kBatch, 0, nullptr);
  int kept = 0;
  for (int i = 0; i < *read; i++) {
    NoteOverflow(messages[i].msg_hdr);
    if (messages[i].msg_hdr.msg_flags & MSG_TRUNC) {
      counters.truncated++;
      continue;
    }
    out.offsets[kept] = static_cast<int32_t>(i * kSlotBytes);
    out.lengths[kept] = static_cast<int32_t>(messages[i].msg_len);
    out.from[kept++] = InternSource(sources[i]);
  }
  counters.received += kept;
  return kept;
}

void UdpSocket::CountRefusal(int error, uint64_t datagrams) {
  (IsFull(error) ? counters.sendWouldBlock : counters.sendErrors) += datagrams;
}

bool UdpSocket::Send(const sockaddr_in6& to, const uint8_t* data, size_t size) {
  NativeAddress address;
  if (!ToNative(to, &address)) {
    CountRefusal(EAFNOSUPPORT, 1);
    return false;
  }
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (sendto(fd_, data, size, 0, name, address.length) < 0) {
    CountRefusal(errno, 1);
    return false;
  }
  counters.sent++;
  return true;
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
