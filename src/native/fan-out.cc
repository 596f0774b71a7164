#include "fan-out.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "rtp-header.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace crosspoint {

namespace {

/** Small enough to stay in the second-level cache between encryption and the kernel's copy. */
constexpr size_t kArenaBytes = 256 * 1024;
constexpr size_t kMaxRuns = 1024;
constexpr size_t kMaxRunBytes = 65'000;
constexpr uint16_t kMaxSegments = 64;
constexpr size_t kMaxDatagramBytes = 65'507;
/** So many refusals of segmentation without a success between, and the socket is not asked again. */
constexpr uint32_t kMaxRefusals = 16;
constexpr size_t kControlItems = CMSG_SPACE(sizeof(uint16_t)) / sizeof(cmsghdr) + 1;

/** An id is a slot and the generation of its use, so that an old id never reaches the slot's next target. */
constexpr int32_t kSlotBits = 20;
constexpr int32_t kSlotMask = (1 << kSlotBits) - 1;
constexpr int32_t kGenerationMask = 0x7ff;

/** The path cannot segment (no checksum offload), or one segment is larger than its MTU. */
bool IsSegmentationRefusal(int error) {
  return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

}  // namespace

SourcePacket SourcePacket::Parse(const uint8_t* data, size_t size) {
  SourcePacket packet;
  const size_t header = RtpHeaderSize(data, size);
  if (header == 0) return packet;
  const size_t padding = (data[0] & 0x20) != 0 && size > header ? data[size - 1] : 0;
  if (padding > size - header) return packet;
  packet.payload = data + header;
  packet.payloadSize = size - header - padding;
  packet.timestamp = Load32(data + 4);
  packet.sequence = Load16(data + 2);
  packet.marker = (data[1] & 0x80) != 0;
  packet.valid = true;
  return packet;
}

FanOut::FanOut(std::shared_ptr<UdpSocket> socket)
    : socket(std::move(socket)),
      arena_(kArenaBytes),
      messages_(kMaxRuns),
      parts_(kMaxRuns),
      control_(kMaxRuns * kControlItems) {
  runs_.reserve(kMaxRuns);
}

int32_t FanOut::Add(FanTarget target) {
  int32_t index = static_cast<int32_t>(slots_.size());
  if (free_.empty()) {
    if (index > kSlotMask) return -1;
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.target = std::move(target);
  slot.alive = true;
  return slot.generation << kSlotBits | index;
}

FanTarget* FanOut::Find(int32_t id) {
  const size_t index = id & kSlotMask;
  if (id < 0 || index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.alive && slot.generation == id >> kSlotBits ? &slot.target : nullptr;
}

void FanOut::Remove(int32_t id) {
  if (Find(id) == nullptr) return;
  Slot& slot = slots_[id & kSlotMask];
  slot.target = {};
  slot.alive = false;
  slot.generation = (slot.generation + 1) & kGenerationMask;
  free_.push_back(id & kSlotMask);
}

/** Chains the pairs of each target in their order, so that its packets lie side by side. */
void FanOut::Group(const int32_t* pairs, size_t pairCount) {
  touched_.clear();
  if (nextPair_.size() < pairCount) nextPair_.resize(pairCount);
  for (size_t i = 0; i < pairCount; i++) {
    const int32_t pair = static_cast<int32_t>(i);
    const int32_t id = pairs[2 * i];
    if (Find(id) == nullptr) {
      counters.unknown++;
      continue;
    }
    Slot& slot = slots_[id & kSlotMask];
    nextPair_[i] = -1;
    if (slot.firstPair < 0) {
      touched_.push_back(id & kSlotMask);
      slot.firstPair = pair;
    } else {
      nextPair_[slot.lastPair] = pair;
    }
    slot.lastPair = pair;
  }
}

uint32_t FanOut::Send(const std::vector<SourcePacket>& packets, const int32_t* pairs, size_t pairCount) {
  const uint64_t before = counters.sent;
  Group(pairs, pairCount);
  for (const int32_t index : touched_) SendGroup(slots_[index], packets, pairs);
  Flush();
  return static_cast<uint32_t>(counters.sent - before);
}

void FanOut::SendGroup(Slot& slot, const std::vector<SourcePacket>& packets, const int32_t* pairs) {
  open_ = false;
  for (int32_t pair = slot.firstPair; pair >= 0; pair = nextPair_[pair]) {
    const auto index = static_cast<uint32_t>(pairs[2 * pair + 1]);
    if (index >= packets.size() || !packets[index].valid) {
      counters.malformed++;
      continue;
    }
    const size_t room = kRtpHeaderBytes + slot.target.extensions.size() + packets[index].payloadSize +
                        SrtpSession::kMaxExpansion;
    if (room > kMaxDatagramBytes) {
      counters.oversize++;
      continue;
    }
    if (arenaUsed_ + room > arena_.size() || runs_.size() == kMaxRuns) Flush();
    uint8_t* out = arena_.data() + arenaUsed_;
    const int size = Write(slot.target, packets[index], out);
    if (size < 0) {
      (size == kSrtpFreed ? counters.unknown : counters.refused)++;
    } else {
      Append(slot.target, out, static_cast<size_t>(size));
    }
  }
  slot.firstPair = slot.lastPair = -1;
}

/** The source's CSRCs and extensions stay behind: they mean something only on the source's own connection. */
int FanOut::Write(FanTarget& target, const SourcePacket& packet, uint8_t* out) {
  const auto sequence = static_cast<uint16_t>(packet.sequence + target.sequenceOffset);
  out[0] = target.extensions.empty() ? 0x80 : 0x90;
  out[1] = static_cast<uint8_t>((packet.marker ? 0x80 : 0) | target.payloadType);
  Store16(out + 2, sequence);
  Store32(out + 4, packet.timestamp + target.timestampOffset);
  Store32(out + 8, target.ssrc);
  const size_t header = kRtpHeaderBytes + target.extensions.size();
  std::copy(target.extensions.begin(), target.extensions.end(), out + kRtpHeaderBytes);
  return target.srtp->SealRtp(target.stream, target.ssrc, sequence, out, header, packet.payload,
                              packet.payloadSize);
}

/** UDP_SEGMENT wants equal segments of which only the last may be shorter. */
void FanOut::Append(FanTarget& target, uint8_t* data, size_t size) {
  arenaUsed_ += size;
  if (open_ && segmentation_) {
    Run& run = runs_.back();
    if (size <= run.segmentSize && run.segments < kMaxSegments && run.size + size <= kMaxRunBytes) {
      run.size += static_cast<uint32_t>(size);
      run.segments++;
      open_ = size == run.segmentSize;
      return;
    }
  }
  runs_.push_back({&target, data, static_cast<uint32_t>(size), static_cast<uint16_t>(size), 1});
  open_ = true;
}

void FanOut::PrepareMessages() {
  for (size_t i = 0; i < runs_.size(); i++) {
    const Run& run = runs_[i];
    parts_[i] = {run.data, run.size};
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = &run.target->to.storage;
    header.msg_namelen = run.target->to.length;
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
    if (run.segments == 1) continue;
    header.msg_control = &control_[i * kControlItems];
    header.msg_controllen = CMSG_SPACE(sizeof(uint16_t));
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = IPPROTO_UDP;
    item->cmsg_type = UDP_SEGMENT;
    item->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    memcpy(CMSG_DATA(item), &run.segmentSize, sizeof run.segmentSize);
  }
}

void FanOut::Flush() {
  PrepareMessages();
  const auto count = static_cast<uint32_t>(runs_.size());
  uint32_t next = 0;
  while (next < count) {
    counters.systemCalls++;
    const int taken = sendmmsg(socket->fd(), messages_.data() + next, count - next, 0);
    if (taken > 0) {
      NoteSent(next, static_cast<uint32_t>(taken));
      next += static_cast<uint32_t>(taken);
      continue;
    }
    const int error = errno;
    const Run& run = runs_[next++];
    if (run.segments > 1 && IsSegmentationRefusal(error)) {
      SendApart(run);
    } else {
      NoteRefusal(error, run.segments);
    }
  }
  runs_.clear();
  arenaUsed_ = 0;
  open_ = false;
}

/** The kernel would not segment this run: each packet by itself. */
void FanOut::SendApart(const Run& run) {
  if (++refusals_ >= kMaxRefusals) segmentation_ = false;
  const auto* name = reinterpret_cast<const sockaddr*>(&run.target->to.storage);
  for (uint32_t offset = 0; offset < run.size; offset += run.segmentSize) {
    const size_t size = std::min<size_t>(run.segmentSize, run.size - offset);
    counters.systemCalls++;
    if (sendto(socket->fd(), run.data + offset, size, 0, name, run.target->to.length) < 0) {
      NoteRefusal(errno, 1);
    } else {
      counters.sent++;
      socket->counters.sent++;
    }
  }
}

void FanOut::NoteSent(uint32_t first, uint32_t count) {
  uint64_t packets = 0;
  for (uint32_t i = first; i < first + count; i++) {
    packets += runs_[i].segments;
    if (runs_[i].segments > 1) refusals_ = 0;
  }
  counters.sent += packets;
  socket->counters.sent += packets;
}

void FanOut::NoteRefusal(int error, uint32_t packets) {
  counters.refusedByKernel += packets;
  socket->CountRefusal(error, packets);
}

}  // namespace crosspoint
