// The fixed RTP header (RFC 3550 5.1) as far as encryption and rewriting need it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace crosspoint {

constexpr size_t kRtpHeaderBytes = 12;

inline uint16_t Load16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }
inline uint32_t Load32(const uint8_t* at) { return static_cast<uint32_t>(Load16(at)) << 16 | Load16(at + 2); }
inline void Store16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
inline void Store32(uint8_t* at, uint32_t value) {
  Store16(at, static_cast<uint16_t>(value >> 16));
  Store16(at + 2, static_cast<uint16_t>(value));
}

/** Header with CSRCs and extension; 0 when `packet` is no RTP packet or ends within its header. */
inline size_t RtpHeaderSize(const uint8_t* packet, size_t size) {
  if (size < kRtpHeaderBytes || (packet[0] >> 6) != 2) return 0;
  size_t header = kRtpHeaderBytes + 4 * (packet[0] & 0x0f);
  if (packet[0] & 0x10) {
    if (header + 4 > size) return 0;
    header += 4 + 4 * static_cast<size_t>(Load16(packet + header + 2));
  }
  return header <= size ? header : 0;
}

}  // namespace crosspoint
