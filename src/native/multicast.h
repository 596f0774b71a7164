// Multicast groups on a UDP socket (RFC 3678 interface: one call for IPv4 and IPv6, with and without a source).
#pragma once
#include <netinet/in.h>

#include <optional>
#include <string>

namespace crosspoint {

struct MulticastOptions {
  /** Group to receive; none when it is not set. */
  std::optional<sockaddr_in6> group;
  /** Only from this sender. */
  std::optional<sockaddr_in6> source;
  /** 0: the system's choice. */
  unsigned receiveInterface = 0;
  unsigned sendInterface = 0;
  /** Routers that what is sent may pass; 0: the system's default, 1. */
  int ttl = 0;
};

/** Index of the interface of that name or address; 0 when there is none. */
unsigned FindInterface(const std::string& nameOrAddress);
/** 0 or an errno. */
int ConfigureMulticast(int fd, int family, const MulticastOptions& options);

}  // namespace crosspoint
