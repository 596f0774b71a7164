// Many packets to many viewers: header rewrite, encryption and sending in one pass, without allocation per packet.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "srtp-session.h"
#include "udp-socket.h"

namespace crosspoint {

/** One source packet, parsed once for all its viewers. */
struct SourcePacket {
  const uint8_t* payload = nullptr;
  /** Without padding. */
  size_t payloadSize = 0;
  uint32_t timestamp = 0;
  uint16_t sequence = 0;
  bool marker = false;
  bool valid = false;

  static SourcePacket Parse(const uint8_t* data, size_t size);
};

/** What is added to each packet of one outgoing stream. */
struct FanTarget {
  std::shared_ptr<SrtpSession> srtp;
  SentWindow* stream;
  NativeAddress to;
  uint32_t ssrc;
  uint32_t timestampOffset;
  uint16_t sequenceOffset;
  uint8_t payloadType;
  /** A whole RFC 8285 block, a multiple of 4 bytes; or empty. */
  std::vector<uint8_t> extensions;
};

struct FanCounters {
  uint64_t sent = 0;
  uint64_t malformed = 0;
  uint64_t unknown = 0;
  /** Sequence numbers that were used for other content or lie too far back: never encrypted (nonce reuse). */
  uint64_t refused = 0;
  uint64_t oversize = 0;
  uint64_t refusedByKernel = 0;
  uint64_t systemCalls = 0;
};

class FanOut {
 public:
  explicit FanOut(std::shared_ptr<UdpSocket> socket);

  int32_t Add(FanTarget target);
  /** nullptr when the target was removed, also when its place was given to another one since. */
  FanTarget* Find(int32_t id);
  void Remove(int32_t id);
  /** `pairs` are (target id, packet index) couples. The number of packets the kernel took. */
  uint32_t Send(const std::vector<SourcePacket>& packets, const int32_t* pairs, size_t pairCount);

  const std::shared_ptr<UdpSocket> socket;
  FanCounters counters;
  /** False once the kernel kept refusing UDP_SEGMENT. */
  bool segmentation() const { return segmentation_; }

 private:
  struct Slot {
    FanTarget target;
    int32_t generation = 0;
    bool alive = false;
    /** First and last of the target's pairs in the call at hand; -1 for none. */
    int32_t firstPair = -1;
    int32_t lastPair = -1;
  };
  /** Packets to one target that lie one behind the other in the arena and leave in one message. */
  struct Run {
    FanTarget* target;
    uint8_t* data;
    uint32_t size;
    uint16_t segmentSize;
    uint16_t segments;
  };

  void Group(const int32_t* pairs, size_t pairCount);
  void SendGroup(Slot& slot, const std::vector<SourcePacket>& packets, const int32_t* pairs);
  int Write(FanTarget& target, const SourcePacket& packet, uint8_t* out);
  void Append(FanTarget& target, uint8_t* data, size_t size);
  void Flush();
  void PrepareMessages();
  void SendApart(const Run& run);
  void NoteSent(uint32_t first, uint32_t count);
  void NoteRefusal(int error, uint32_t packets);

  std::vector<Slot> slots_;
  std::vector<int32_t> free_;
  /** Per pair the next one of the same target; -1 ends. */
  std::vector<int32_t> nextPair_;
  std::vector<int32_t> touched_;

  std::vector<uint8_t> arena_;
  size_t arenaUsed_ = 0;
  std::vector<Run> runs_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> parts_;
  std::vector<cmsghdr> control_;
  /** Whether the next packet to the same target may join the last run. */
  bool open_ = false;
  bool segmentation_ = true;
  uint32_t refusals_ = 0;
};

}  // namespace crosspoint
