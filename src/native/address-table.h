// Peers' addresses as small integers. Ids that nobody retained are recycled, least recently seen first, so that a
// flood of forged source addresses neither grows memory nor takes an id from a peer that proved itself.
#pragma once
#include <netinet/in.h>

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace crosspoint {

class AddressTable {
 public:
  /** At most `transientLimit` ids that nobody retained are alive at once. */
  explicit AddressTable(uint32_t transientLimit);

  /** The id of an IPv6 (or IPv4-mapped) address; it becomes the most recently seen one. */
  int32_t Intern(const sockaddr_in6& address);
  /** nullptr when no such id is alive. */
  const sockaddr_in6* Find(int32_t id) const;
  /** Keeps the id from being recycled; counted. False when no such id is alive. */
  bool Retain(int32_t id);
  bool Release(int32_t id);
  /** Is this the id of the address, and kept from being recycled? */
  bool Retains(int32_t id, const sockaddr_in6& address) const;

 private:
  struct Key {
    uint64_t high;
    uint64_t low;
    uint64_t portAndScope;
    bool operator==(const Key& other) const {
      return high == other.high && low == other.low && portAndScope == other.portAndScope;
    }
  };
  struct Hash {
    uint64_t seed;
    size_t operator()(const Key& key) const;
  };
  struct Entry {
    sockaddr_in6 address;
    uint32_t retained;
    std::list<int32_t>::iterator place;
  };

  static Key KeyOf(const sockaddr_in6& address);
  int32_t TakeId();
  bool IsAlive(int32_t id) const;

  const uint32_t transientLimit_;
  std::unordered_map<Key, int32_t, Hash> ids_;
  std::vector<Entry> entries_;
  /** Least recently seen first. An id moves between the lists without allocation. */
  std::list<int32_t> transient_;
  std::list<int32_t> retained_;
};

/** False unless `ip` is a numeric address. IPv4 comes out IPv4-mapped; a scope ("fe80::1%eth0") is kept. */
bool ParseAddress(const std::string& ip, uint16_t port, sockaddr_in6* out);
/** Without the ::ffff: of a mapped IPv4 address. */
std::string FormatIp(const sockaddr_in6& address);
bool IsMapped(const sockaddr_in6& address);
/** IPv4 as the IPv4-mapped IPv6 address that the table holds. */
sockaddr_in6 MapIpv4(const sockaddr_in& address);
/** The other way; means something only for a mapped address. */
sockaddr_in UnmapIpv4(const sockaddr_in6& address);

}  // namespace crosspoint
