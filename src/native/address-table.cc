#include "address-table.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/rand.h>

#include <cstring>

namespace crosspoint {

namespace {

/** Random, so that nobody can choose addresses that fall into one bucket. */
uint64_t RandomSeed() {
  uint64_t seed = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed);
  return seed;
}

/** The finaliser of SplitMix64: every input bit reaches every output bit. */
uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

}  // namespace

size_t AddressTable::Hash::operator()(const Key& key) const {
  return Mix(Mix(Mix(seed ^ key.high) ^ key.low) ^ key.portAndScope);
}

AddressTable::AddressTable(uint32_t transientLimit)
    : transientLimit_(transientLimit), ids_(transientLimit, Hash{RandomSeed()}) {}

AddressTable::Key AddressTable::KeyOf(const sockaddr_in6& address) {
  Key key{};
  memcpy(&key.high, address.sin6_addr.s6_addr, 8);
  memcpy(&key.low, address.sin6_addr.s6_addr + 8, 8);
  key.portAndScope = static_cast<uint64_t>(address.sin6_scope_id) << 16 | address.sin6_port;
  return key;
}

int32_t AddressTable::TakeId() {
  if (transient_.size() < transientLimit_) {
    const int32_t id = static_cast<int32_t>(entries_.size());
    entries_.push_back({});
    entries_[id].place = transient_.insert(transient_.end(), id);
    return id;
  }
  const int32_t id = transient_.front();
  ids_.erase(KeyOf(entries_[id].address));
  transient_.splice(transient_.end(), transient_, transient_.begin());
  return id;
}

int32_t AddressTable::Intern(const sockaddr_in6& address) {
  const Key key = KeyOf(address);
  const auto known = ids_.find(key);
  if (known != ids_.end()) {
    Entry& entry = entries_[known->second];
    if (entry.retained == 0) transient_.splice(transient_.end(), transient_, entry.place);
    return known->second;
  }
  const int32_t id = TakeId();
  entries_[id].address = address;
  ids_.emplace(key, id);
  return id;
}

bool AddressTable::IsAlive(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < entries_.size(); }

const sockaddr_in6* AddressTable::Find(int32_t id) const {
  return IsAlive(id) ? &entries_[id].address : nullptr;
}

bool AddressTable::Retains(int32_t id, const sockaddr_in6& address) const {
  return IsAlive(id) && entries_[id].retained > 0 && KeyOf(entries_[id].address) == KeyOf(address);
}

bool AddressTable::Retain(int32_t id) {
  if (!IsAlive(id)) return false;
  Entry& entry = entries_[id];
  if (entry.retained++ == 0) retained_.splice(retained_.end(), transient_, entry.place);
  return true;
}

bool AddressTable::Release(int32_t id) {
  if (!IsAlive(id) || entries_[id].retained == 0) return false;
  Entry& entry = entries_[id];
  if (--entry.retained == 0) transient_.splice(transient_.end(), retained_, entry.place);
  return true;
}

sockaddr_in6 MapIpv4(const sockaddr_in& address) {
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = address.sin_port;
  mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
  memcpy(mapped.sin6_addr.s6_addr + 12, &address.sin_addr, 4);
  return mapped;
}

sockaddr_in UnmapIpv4(const sockaddr_in6& address) {
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = address.sin6_port;
  memcpy(&ipv4.sin_addr, address.sin6_addr.s6_addr + 12, 4);
  return ipv4;
}

bool IsMapped(const sockaddr_in6& address) { return IN6_IS_ADDR_V4MAPPED(&address.sin6_addr); }

bool ParseAddress(const std::string& ip, uint16_t port, sockaddr_in6* out) {
  sockaddr_in ipv4{};
  if (inet_pton(AF_INET, ip.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_port = htons(port);
    *out = MapIpv4(ipv4);
    return true;
  }
  addrinfo hints{};
  hints.ai_family = AF_INET6;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(ip.c_str(), nullptr, &hints, &found) != 0) return false;
  memcpy(out, found->ai_addr, sizeof *out);
  out->sin6_port = htons(port);
  freeaddrinfo(found);
  return true;
}

std::string FormatIp(const sockaddr_in6& address) {
  char text[NI_MAXHOST] = "";
  if (IsMapped(address)) {
    inet_ntop(AF_INET, address.sin6_addr.s6_addr + 12, text, sizeof text);
  } else {
    getnameinfo(reinterpret_cast<const sockaddr*>(&address), sizeof address, text, sizeof text, nullptr, 0,
                NI_NUMERICHOST);
  }
  return text;
}

}  // namespace crosspoint
