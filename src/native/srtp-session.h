// SRTP and SRTCP of one peer, both directions (RFC 3711, RFC 7714), after a DTLS-SRTP handshake (RFC 5764).
#pragma once
#include <cstdint>
#include <unordered_map>

#include "srtp-cipher.h"
#include "srtp-window.h"

namespace crosspoint {

/** Results below zero; the same numbers are in types.ts. */
enum SrtpError : int {
  kSrtpShort = -1,
  kSrtpTag = -2,
  kSrtpReplay = -3,
  /** One stream too many, or the end of the index space. */
  kSrtpLimit = -4,
  kSrtpFreed = -5,
};

class SrtpSession {
 public:
  /** Streams per direction. Those that arrive are created only by a packet that authenticates. */
  static constexpr size_t kMaxStreams = 1024;
  static constexpr size_t kMaxExpansion = 16 + 4;

  SrtpSession(SrtpProfile profile, const SrtpMasterKey& local, const SrtpMasterKey& remote);

  int UnprotectRtp(uint8_t* packet, size_t size);
  int UnprotectRtcp(uint8_t* packet, size_t size);
  /** `out` has room for size + kMaxExpansion and does not overlap `packet`. */
  int ProtectRtp(const uint8_t* packet, size_t size, uint8_t* out);
  int ProtectRtcp(const uint8_t* packet, size_t size, uint8_t* out);

  /** State of one outgoing RTP stream; stays valid as long as the session. nullptr above kMaxStreams. */
  SentWindow* OutgoingStream(uint32_t ssrc);
  /** The header lies ready in `out`; encrypts `payload` behind it. The whole length, or an error. */
  int SealRtp(SentWindow* stream, uint32_t ssrc, uint16_t sequence, uint8_t* out, size_t headerSize,
              const uint8_t* payload, size_t payloadSize);

  /** From now on nothing is encrypted, whoever still shares the session. */
  void Free() { freed_ = true; }

  const SrtpProfile profile;

 private:
  struct Incoming {
    IndexWindow window;
    uint32_t failuresInARow = 0;
  };
  using IncomingStreams = std::unordered_map<uint32_t, Incoming>;

  bool OpenRtp(int64_t index, uint8_t* packet, size_t headerSize, size_t size);
  int Accept(IncomingStreams* streams, Incoming* stream, uint32_t ssrc, int64_t index, size_t size);

  SrtpCipher rtpOut_;
  SrtpCipher rtpIn_;
  SrtpCipher rtcpOut_;
  SrtpCipher rtcpIn_;
  IncomingStreams rtpStreams_;
  IncomingStreams rtcpStreams_;
  std::unordered_map<uint32_t, SentWindow> outgoing_;
  /** One count for all SSRCs, so that it can never repeat for one of them. */
  uint32_t rtcpIndex_ = 0;
  bool freed_ = false;
};

}  // namespace crosspoint
