#include "srtp-session.h"

#include <algorithm>
#include <cstring>

#include "rtp-header.h"

namespace crosspoint {

namespace {

constexpr int64_t kIndexEnd = int64_t{1} << 48;
constexpr uint32_t kRtcpIndexEnd = 1U << 31;
constexpr uint32_t kEncryptedBit = 1U << 31;
constexpr size_t kRtcpHeaderBytes = 8;
/** After so many failures one after another the sender may have rolled over unseen: a gap of more than 2^15 packets. */
constexpr uint32_t kFailuresBeforeRollOver = 100;
constexpr int64_t kRollOver = 1 << 16;
constexpr size_t kMaxSavedBytes = 2048;

template <class Streams>
auto* FindStream(Streams& streams, uint32_t ssrc) {
  const auto found = streams.find(ssrc);
  return found == streams.end() ? nullptr : &found->second;
}

uint32_t RollOverCount(int64_t index) { return static_cast<uint32_t>(index >> 16); }

}  // namespace

SrtpSession::SrtpSession(SrtpProfile profile, const SrtpMasterKey& local, const SrtpMasterKey& remote)
    : profile(profile),
      rtpOut_(profile, SrtpStreamKind::kRtp, local),
      rtpIn_(profile, SrtpStreamKind::kRtp, remote),
      rtcpOut_(profile, SrtpStreamKind::kRtcp, local),
      rtcpIn_(profile, SrtpStreamKind::kRtcp, remote) {}

/** `size` counts header and payload without the tag. */
bool SrtpSession::OpenRtp(int64_t index, uint8_t* packet, size_t headerSize, size_t size) {
  return rtpIn_.Open(Load32(packet + 8), static_cast<uint64_t>(index), packet, headerSize, packet + headerSize,
                     size - headerSize, RollOverCount(index), packet + size, true);
}

/** The packet is authentic: remembers its index, and its stream if that is new. */
int SrtpSession::Accept(IncomingStreams* streams, Incoming* stream, uint32_t ssrc, int64_t index, size_t size) {
  if (stream == nullptr) {
    if (streams->size() >= kMaxStreams) return kSrtpLimit;
    stream = &(*streams)[ssrc];
  }
  stream->window.Add(index);
  stream->failuresInARow = 0;
  return static_cast<int>(size);
}

int SrtpSession::UnprotectRtp(uint8_t* packet, size_t size) {
  const size_t headerSize = RtpHeaderSize(packet, size);
  if (headerSize == 0 || size < headerSize + rtpIn_.tagBytes()) return kSrtpShort;
  const size_t plainSize = size - rtpIn_.tagBytes();
  const uint32_t ssrc = Load32(packet + 8);
  Incoming* stream = FindStream(rtpStreams_, ssrc);
  const int64_t index = stream == nullptr ? Load16(packet + 2) : stream->window.Estimate(Load16(packet + 2));
  const int64_t rolledOver = index + kRollOver;
  // A failed attempt leaves garbage in place of the payload, so a second one needs a copy.
  const bool tryRollOver =
      (stream == nullptr || stream->failuresInARow >= kFailuresBeforeRollOver) && size <= kMaxSavedBytes;
  uint8_t saved[kMaxSavedBytes];
  if (tryRollOver) memcpy(saved, packet, size);
  const bool possible = index >= 0 && index < kIndexEnd;
  const bool replayed =
      possible && stream != nullptr && stream->window.Find(index) != IndexWindow::Place::kNew;
  if (possible && !replayed && OpenRtp(index, packet, headerSize, plainSize)) {
    return Accept(&rtpStreams_, stream, ssrc, index, plainSize);
  }
  if (tryRollOver && rolledOver < kIndexEnd) {
    memcpy(packet, saved, size);
    if (OpenRtp(rolledOver, packet, headerSize, plainSize)) {
      return Accept(&rtpStreams_, stream, ssrc, rolledOver, plainSize);
    }
  }
  if (stream != nullptr) stream->failuresInARow++;
  return replayed ? kSrtpReplay : kSrtpTag;
}

int SrtpSession::UnprotectRtcp(uint8_t* packet, size_t size) {
  const size_t tagBytes = rtcpIn_.tagBytes();
  if (size < kRtcpHeaderBytes + tagBytes + 4 || (packet[0] >> 6) != 2) return kSrtpShort;
  const size_t plainSize = size - tagBytes - 4;
  // The index word stands before the tag in RFC 3711 3.4 and behind it in RFC 7714 9.
  const bool gcm = profile == SrtpProfile::kAesGcm;
  const uint8_t* word = packet + plainSize + (gcm ? tagBytes : 0);
  const uint8_t* tag = packet + plainSize + (gcm ? 0 : 4);
  const uint32_t trailer = Load32(word);
  const int64_t index = trailer & ~kEncryptedBit;
  const uint32_t ssrc = Load32(packet + 4);
  Incoming* stream = FindStream(rtcpStreams_, ssrc);
  if (stream != nullptr && stream->window.Find(index) != IndexWindow::Place::kNew) return kSrtpReplay;
  const bool authentic = rtcpIn_.Open(ssrc, static_cast<uint64_t>(index), packet, kRtcpHeaderBytes,
                                      packet + kRtcpHeaderBytes, plainSize - kRtcpHeaderBytes, trailer, tag,
                                      (trailer & kEncryptedBit) != 0);
  return authentic ? Accept(&rtcpStreams_, stream, ssrc, index, plainSize) : kSrtpTag;
}

SentWindow* SrtpSession::OutgoingStream(uint32_t ssrc) {
  SentWindow* known = FindStream(outgoing_, ssrc);
  if (known != nullptr || outgoing_.size() >= kMaxStreams) return known;
  return &outgoing_[ssrc];
}

int SrtpSession::SealRtp(SentWindow* stream, uint32_t ssrc, uint16_t sequence, uint8_t* out, size_t headerSize,
                         const uint8_t* payload, size_t payloadSize) {
  if (freed_) return kSrtpFreed;
  const int64_t index = stream->Estimate(sequence);
  if (index < 0 || index >= kIndexEnd) return kSrtpLimit;
  const IndexWindow::Place place = stream->Find(index);
  if (place == IndexWindow::Place::kTooOld) return kSrtpReplay;
  uint8_t* tag = out + headerSize + payloadSize;
  rtpOut_.Seal(ssrc, static_cast<uint64_t>(index), out, headerSize, payload, payloadSize, RollOverCount(index),
               out + headerSize, tag);
  uint64_t mark = 0;
  memcpy(&mark, tag, std::min(sizeof mark, rtpOut_.tagBytes()));
  if (place == IndexWindow::Place::kSeen && !stream->IsSame(index, mark)) {
    memset(out, 0, headerSize + payloadSize + rtpOut_.tagBytes());
    return kSrtpReplay;
  }
  stream->Add(index, mark);
  return static_cast<int>(headerSize + payloadSize + rtpOut_.tagBytes());
}

int SrtpSession::ProtectRtp(const uint8_t* packet, size_t size, uint8_t* out) {
  const size_t headerSize = RtpHeaderSize(packet, size);
  if (headerSize == 0) return kSrtpShort;
  const uint32_t ssrc = Load32(packet + 8);
  SentWindow* stream = OutgoingStream(ssrc);
  if (stream == nullptr) return kSrtpLimit;
  memmove(out, packet, headerSize);
  return SealRtp(stream, ssrc, Load16(packet + 2), out, headerSize, packet + headerSize, size - headerSize);
}

int SrtpSession::ProtectRtcp(const uint8_t* packet, size_t size, uint8_t* out) {
  if (size < kRtcpHeaderBytes || (packet[0] >> 6) != 2) return kSrtpShort;
  if (rtcpIndex_ >= kRtcpIndexEnd) return kSrtpLimit;
  const uint32_t index = rtcpIndex_++;
  const bool gcm = profile == SrtpProfile::kAesGcm;
  uint8_t* tag = out + size + (gcm ? 0 : 4);
  memmove(out, packet, kRtcpHeaderBytes);
  rtcpOut_.Seal(Load32(packet + 4), index, out, kRtcpHeaderBytes, packet + kRtcpHeaderBytes,
                size - kRtcpHeaderBytes, index | kEncryptedBit, out + kRtcpHeaderBytes, tag);
  Store32(out + size + (gcm ? rtcpOut_.tagBytes() : 0), index | kEncryptedBit);
  return static_cast<int>(size + rtcpOut_.tagBytes() + 4);
}

}  // namespace crosspoint
