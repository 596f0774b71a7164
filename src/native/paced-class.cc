// The PacedSender class of JavaScript.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "module.h"
#include "paced-sender.h"
#include "udp-binding.h"
#include "udp-pool-binding.h"

namespace crosspoint {

namespace {

/** Two seconds of 20 ms packets. */
constexpr int64_t kDefaultMaxPackets = 100;

struct PacedBinding : Wrapped {
  static constexpr Kind kKind = kPacedKind;
  PacedBinding(std::shared_ptr<UdpPool> pool, double clockOffsetUs)
      : Wrapped(kKind), pool(std::move(pool)), clockOffsetUs(clockOffsetUs) {}
  const std::shared_ptr<UdpPool> pool;
  const double clockOffsetUs;
  PacedSender sender;
};

PacedBinding* BindingOf(napi_env env, napi_value self) { return Unwrap<PacedBinding>(env, self); }

bool ReadTarget(napi_env env, PacedBinding* binding, napi_value socketId, napi_value addressId, PacedTarget* out) {
  int64_t id = -1;
  if (!GetInt(env, socketId, &id)) return false;
  const sockaddr_in6* to = FindAddress(env, *binding->pool->addresses, addressId);
  if (to == nullptr) return false;
  out->socket = binding->pool->Find(static_cast<int32_t>(id));
  if (out->socket != nullptr && out->socket->ToNative(*to, &out->to)) return true;
  Throw(env, "ERR_SOCKET", "the socket " + std::to_string(id) + " is not open or cannot reach the address");
  return false;
}

/** The stream that an argument names; -1, which no stream has, when it is no number. */
int32_t StreamArgument(napi_env env, napi_value value) {
  int64_t id = -1;
  return GetInt(env, value, &id) ? static_cast<int32_t>(id) : -1;
}

napi_value Add(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  PacedBinding* binding = BindingOf(env, args.self);
  PacedTarget target;
  napi_valuetype type = napi_undefined;
  int64_t maxPackets = kDefaultMaxPackets;
  if (binding == nullptr || !ReadTarget(env, binding, args[0], args[1], &target)) return nullptr;
  napi_typeof(env, args[2], &type);
  if (type != napi_undefined && !GetInt(env, args[2], &maxPackets)) return nullptr;
  const int32_t id = binding->sender.Add(std::move(target), static_cast<uint32_t>(std::clamp<int64_t>(maxPackets, 1, UINT32_MAX)));
  if (id >= 0) return Number(env, id);
  Throw(env, "ERR_LIMIT", "there are too many paced streams");
  return nullptr;
}

napi_value Retarget(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  PacedBinding* binding = BindingOf(env, args.self);
  PacedTarget target;
  if (binding == nullptr || !ReadTarget(env, binding, args[1], args[2], &target)) return nullptr;
  return Boolean(env, binding->sender.Retarget(StreamArgument(env, args[0]), std::move(target)));
}

napi_value Queue(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  PacedBinding* binding = BindingOf(env, args.self);
  double dueUs = 0;
  Bytes bytes;
  if (binding == nullptr || !GetNumber(env, args[1], &dueUs) || !GetBytes(env, args[2], &bytes)) return nullptr;
  const int64_t due = std::isfinite(dueUs) ? std::llround(dueUs + binding->clockOffsetUs) : 0;
  return Boolean(env, binding->sender.Queue(StreamArgument(env, args[0]), due, bytes.data, bytes.size));
}

napi_value Flush(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  PacedBinding* binding = BindingOf(env, args.self);
  return binding == nullptr ? nullptr : Number(env, binding->sender.Flush(StreamArgument(env, args[0])));
}

napi_value Queued(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  PacedBinding* binding = BindingOf(env, args.self);
  return binding == nullptr ? nullptr : Number(env, binding->sender.Queued(StreamArgument(env, args[0])));
}

napi_value Remove(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  PacedBinding* binding = BindingOf(env, args.self);
  if (binding != nullptr) binding->sender.Remove(StreamArgument(env, args[0]));
  return nullptr;
}

napi_value Stats(napi_env env, napi_callback_info info) {
  PacedBinding* binding = BindingOf(env, Args<0>(env, info).self);
  if (binding == nullptr) return nullptr;
  const PacedCounters& counters = binding->sender.counters;
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "sent", Number(env, counters.sent));
  Set(env, result, "late", Number(env, counters.late));
  Set(env, result, "refusedFull", Number(env, counters.refusedFull));
  Set(env, result, "flushed", Number(env, counters.flushed));
  Set(env, result, "refusedByKernel", Number(env, counters.refusedByKernel));
  Set(env, result, "latenessP50Us", Number(env, counters.lateness.Quantile(0.5)));
  Set(env, result, "latenessP99Us", Number(env, counters.lateness.Quantile(0.99)));
  Set(env, result, "latenessMaxUs", Number(env, counters.lateness.max()));
  return result;
}

napi_value Close(napi_env env, napi_callback_info info) {
  PacedBinding* binding = BindingOf(env, Args<0>(env, info).self);
  if (binding != nullptr) binding->sender.Close();
  return nullptr;
}

napi_value CreatePacedSender(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* pool = Unwrap<UdpPoolBinding>(env, args[0]);
  return pool == nullptr ? nullptr : New(env, new PacedBinding(pool->pool, pool->clockOffsetUs));
}

}  // namespace

bool DefinePacedSender(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"add", Add},       {"retarget", Retarget}, {"queue", Queue}, {"flush", Flush},
      {"queued", Queued}, {"remove", Remove},     {"stats", Stats}, {"close", Close},
  };
  return DefineClass(env, kPacedKind, "PacedSender", methods, std::size(methods)) &&
         DefineFunction(env, exports, "createPacedSender", CreatePacedSender);
}

}  // namespace crosspoint
