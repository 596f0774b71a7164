// The FanOut class of JavaScript.
#include <algorithm>
#include <iterator>

#include "fan-out.h"
#include "module.h"
#include "rtp-header.h"
#include "srtp-binding.h"
#include "udp-binding.h"

namespace crosspoint {

namespace {

struct FanOutBinding : Wrapped {
  static constexpr Kind kKind = kFanOutKind;
  explicit FanOutBinding(std::shared_ptr<UdpSocket> socket) : Wrapped(kKind), fanOut(std::move(socket)) {}
  FanOut fanOut;
  /** Reused by every call. */
  std::vector<SourcePacket> packets;
};

FanOutBinding* BindingOf(napi_env env, napi_value self) { return Unwrap<FanOutBinding>(env, self); }

/** Takes the SRTP session and the peer's address of a target. */
bool ReadPeer(napi_env env, napi_value object, const UdpSocket& socket, FanTarget* out) {
  napi_value srtp;
  int64_t address = -1;
  if (!GetOptional(env, object, "srtp", &srtp)) {
    ThrowType(env, "srtp is missing");
    return false;
  }
  auto* binding = Unwrap<SrtpBinding>(env, srtp);
  if (binding == nullptr || !GetIntProperty(env, object, "to", &address)) return false;
  const sockaddr_in6* known = socket.addresses->Find(static_cast<int32_t>(address));
  if (binding->session == nullptr || known == nullptr || !socket.ToNative(*known, &out->to)) {
    Throw(env, "ERR_TARGET", "the target's SRTP context was freed or its address cannot be reached");
    return false;
  }
  out->srtp = binding->session;
  return true;
}

/** A block is 0xBEDE or the like, the number of words, the words. */
bool ReadExtensions(napi_env env, napi_value object, FanTarget* out) {
  Bytes block;
  if (!GetBytesProperty(env, object, "extensions", &block)) return false;
  if (block.size > 0 && (block.size < 4 || block.size != 4 + 4 * static_cast<size_t>(Load16(block.data + 2)))) {
    Throw(env, "ERR_EXTENSIONS", "the header extension block does not have the length it says");
    return false;
  }
  out->extensions.assign(block.data, block.data + block.size);
  return true;
}

bool ReadTarget(napi_env env, napi_value object, const UdpSocket& socket, FanTarget* out) {
  int64_t ssrc, payloadType, sequenceOffset, timestampOffset;
  if (!ReadPeer(env, object, socket, out) || !ReadExtensions(env, object, out) ||
      !GetIntProperty(env, object, "ssrc", &ssrc) || !GetIntProperty(env, object, "payloadType", &payloadType) ||
      !GetIntProperty(env, object, "sequenceOffset", &sequenceOffset) ||
      !GetIntProperty(env, object, "timestampOffset", &timestampOffset)) {
    return false;
  }
  out->ssrc = static_cast<uint32_t>(ssrc);
  out->payloadType = static_cast<uint8_t>(payloadType & 0x7f);
  out->sequenceOffset = static_cast<uint16_t>(sequenceOffset);
  out->timestampOffset = static_cast<uint32_t>(timestampOffset);
  out->stream = out->srtp->OutgoingStream(out->ssrc);
  if (out->stream != nullptr) return true;
  Throw(env, "ERR_LIMIT", "the SRTP context has too many outgoing streams");
  return false;
}

napi_value Add(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  FanOutBinding* binding = BindingOf(env, args.self);
  FanTarget target{};
  if (binding == nullptr || !ReadTarget(env, args[0], *binding->fanOut.socket, &target)) return nullptr;
  const int32_t id = binding->fanOut.Add(std::move(target));
  if (id >= 0) return Number(env, id);
  Throw(env, "ERR_LIMIT", "there are too many fan-out targets");
  return nullptr;
}

napi_value Update(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  FanOutBinding* binding = BindingOf(env, args.self);
  int64_t id = -1;
  FanTarget target{};
  if (binding == nullptr || !GetInt(env, args[0], &id) ||
      !ReadTarget(env, args[1], *binding->fanOut.socket, &target)) {
    return nullptr;
  }
  FanTarget* known = binding->fanOut.Find(static_cast<int32_t>(id));
  if (known == nullptr) {
    Throw(env, "ERR_TARGET", "there is no fan-out target with the id " + std::to_string(id));
  } else {
    *known = std::move(target);
  }
  return nullptr;
}

napi_value Remove(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  FanOutBinding* binding = BindingOf(env, args.self);
  int64_t id = -1;
  if (binding != nullptr && GetInt(env, args[0], &id)) binding->fanOut.Remove(static_cast<int32_t>(id));
  return nullptr;
}

/** What is no packet stays in the list as an invalid one, counted for each pair that names it. */
void ReadPackets(napi_env env, napi_value list, int64_t count, std::vector<SourcePacket>* out) {
  uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  out->clear();
  for (uint32_t i = 0; i < std::min<int64_t>(count, length); i++) {
    napi_value item;
    Bytes bytes;
    const bool readable = napi_get_element(env, list, i, &item) == napi_ok && TryGetBytes(env, item, &bytes);
    out->push_back(readable ? SourcePacket::Parse(bytes.data, bytes.size) : SourcePacket());
  }
}

napi_value Send(napi_env env, napi_callback_info info) {
  Args<4> args(env, info);
  FanOutBinding* binding = BindingOf(env, args.self);
  int64_t packetCount = 0;
  int64_t pairCount = 0;
  int32_t* pairs = nullptr;
  size_t length = 0;
  if (binding == nullptr || !GetInt(env, args[1], &packetCount) || !GetInt32Array(env, args[2], &pairs, &length) ||
      !GetInt(env, args[3], &pairCount)) {
    return nullptr;
  }
  if (pairCount < 0 || static_cast<uint64_t>(pairCount) > length / 2) {
    Throw(env, "ERR_OUT_OF_RANGE", "there are fewer pairs than said");
    return nullptr;
  }
  ReadPackets(env, args[0], packetCount, &binding->packets);
  return Number(env, binding->fanOut.Send(binding->packets, pairs, static_cast<size_t>(pairCount)));
}

napi_value Stats(napi_env env, napi_callback_info info) {
  FanOutBinding* binding = BindingOf(env, Args<0>(env, info).self);
  if (binding == nullptr) return nullptr;
  const FanCounters& counters = binding->fanOut.counters;
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "sent", Number(env, counters.sent));
  Set(env, result, "malformed", Number(env, counters.malformed));
  Set(env, result, "unknownTarget", Number(env, counters.unknown));
  Set(env, result, "refusedReuse", Number(env, counters.refused));
  Set(env, result, "oversize", Number(env, counters.oversize));
  Set(env, result, "refusedByKernel", Number(env, counters.refusedByKernel));
  Set(env, result, "systemCalls", Number(env, counters.systemCalls));
  Set(env, result, "segmentation", Boolean(env, binding->fanOut.segmentation()));
  return result;
}

napi_value CreateFanOut(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* udp = Unwrap<UdpBinding>(env, args[0]);
  return udp == nullptr ? nullptr : New(env, new FanOutBinding(udp->socket));
}

}  // namespace

bool DefineFanOut(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"add", Add}, {"update", Update}, {"remove", Remove}, {"send", Send}, {"stats", Stats},
  };
  return DefineClass(env, kFanOutKind, "FanOut", methods, std::size(methods)) &&
         DefineFunction(env, exports, "createFanOut", CreateFanOut);
}

}  // namespace crosspoint
