#include "multicast.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "address-table.h"

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

namespace crosspoint {

namespace {

int SetOption(int fd, int level, int name, const void* value, socklen_t size) {
  return setsockopt(fd, level, name, value, size) == 0 ? 0 : errno;
}

int SetInt(int fd, int level, int name, int value) { return SetOption(fd, level, name, &value, sizeof value); }

int LevelOf(int family) { return family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6; }

void Copy(const sockaddr_in6& address, sockaddr_storage* out) {
  const sockaddr_in ipv4 = UnmapIpv4(address);
  if (IsMapped(address)) {
    memcpy(out, &ipv4, sizeof ipv4);
  } else {
    memcpy(out, &address, sizeof address);
  }
}

/** By default a socket on the wildcard address gets the datagrams of every group that anybody on the host joined. */
int TakeOnlyJoined(int fd, int family) {
  if (family == AF_INET) return SetInt(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  SetInt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
  return 0;
}

int Join(int fd, const MulticastOptions& options) {
  const int level = LevelOf(IsMapped(*options.group) ? AF_INET : AF_INET6);
  if (options.source) {
    group_source_req request{};
    request.gsr_interface = options.receiveInterface;
    Copy(*options.group, &request.gsr_group);
    Copy(*options.source, &request.gsr_source);
    return SetOption(fd, level, MCAST_JOIN_SOURCE_GROUP, &request, sizeof request);
  }
  group_req request{};
  request.gr_interface = options.receiveInterface;
  Copy(*options.group, &request.gr_group);
  return SetOption(fd, level, MCAST_JOIN_GROUP, &request, sizeof request);
}

int SetSendInterface(int fd, int family, unsigned index) {
  if (family == AF_INET6) return SetInt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index));
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(index);
  return SetOption(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request);
}

bool SameAddress(const sockaddr* address, const sockaddr_in6& wanted) {
  if (address == nullptr) return false;
  if (address->sa_family == AF_INET) {
    const sockaddr_in6 mapped = MapIpv4(*reinterpret_cast<const sockaddr_in*>(address));
    return memcmp(&mapped.sin6_addr, &wanted.sin6_addr, sizeof wanted.sin6_addr) == 0;
  }
  if (address->sa_family != AF_INET6) return false;
  const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(address);
  return memcmp(&ipv6->sin6_addr, &wanted.sin6_addr, sizeof wanted.sin6_addr) == 0;
}

}  // namespace

unsigned FindInterface(const std::string& nameOrAddress) {
  sockaddr_in6 wanted;
  if (!ParseAddress(nameOrAddress, 0, &wanted)) return if_nametoindex(nameOrAddress.c_str());
  ifaddrs* all = nullptr;
  unsigned found = 0;
  if (getifaddrs(&all) != 0) return 0;
  for (const ifaddrs* each = all; each != nullptr && found == 0; each = each->ifa_next) {
    if (SameAddress(each->ifa_addr, wanted)) found = if_nametoindex(each->ifa_name);
  }
  freeifaddrs(all);
  return found;
}

int ConfigureMulticast(int fd, int family, const MulticastOptions& options) {
  int error = 0;
  if (options.group) error = TakeOnlyJoined(fd, family);
  if (error == 0 && options.group) error = Join(fd, options);
  if (error == 0 && options.sendInterface != 0) error = SetSendInterface(fd, family, options.sendInterface);
  if (error == 0 && options.ttl > 0) {
    const int name = family == AF_INET ? IP_MULTICAST_TTL : IPV6_MULTICAST_HOPS;
    error = SetInt(fd, LevelOf(family), name, options.ttl);
  }
  return error;
}

}  // namespace crosspoint
