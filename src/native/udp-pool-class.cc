// The UdpPool class of JavaScript.
#include <cerrno>
#include <iterator>
#include <utility>

#include "module.h"
#include "udp-binding.h"
#include "udp-pool-binding.h"

namespace crosspoint {

void UdpPoolBinding::ReadTurn() {
  for (int i = 0; i < kBatchesPerTurn && listening(); i++) {
    const bool more = pool->Receive(slots, clockOffsetUs);
    if (slots.kept > 0) CallListener();
    if (!more) return;
  }
}

void UdpPoolBinding::Close() {
  StopListening();
  pool->Close();
}

/** What the batch at hand still holds for the socket is nobody's. */
bool UdpPoolBinding::CloseSocket(int32_t id) {
  for (int i = 0; i < slots.kept; i++) {
    if (slots.memory.sockets[i] == id) slots.memory.sockets[i] = -1;
  }
  return pool->CloseSocket(id);
}

namespace {

/** Of `sendMany`: socket, address, offset and length. */
constexpr size_t kFieldsPerSend = 4;
constexpr int32_t kNotSent = -1;

UdpPoolBinding* BindingOf(napi_env env, napi_value self) { return Unwrap<UdpPoolBinding>(env, self); }

/** The open socket that an argument names; nullptr, with an exception pending, when there is none. */
std::shared_ptr<UdpSocket> SocketArgument(napi_env env, UdpPoolBinding* binding, napi_value value) {
  int64_t id = -1;
  if (binding == nullptr || !GetInt(env, value, &id)) return nullptr;
  auto socket = binding->pool->Find(static_cast<int32_t>(id));
  if (socket == nullptr) Throw(env, "ERR_SOCKET", "there is no socket with the id " + std::to_string(id));
  return socket;
}

bool ReadInterface(napi_env env, napi_value object, unsigned* out) {
  const std::string name = OptionalString(env, object, "interface");
  if (name.empty()) return true;
  *out = FindInterface(name);
  if (*out == 0) Throw(env, "ENODEV", "there is no network interface '" + name + "'");
  return *out != 0;
}

bool ReadGroupAddress(napi_env env, const std::string& ip, std::optional<sockaddr_in6>* out) {
  sockaddr_in6 address;
  if (!ParseAddress(ip, 0, &address)) {
    Throw(env, "EINVAL", "'" + ip + "' is not a numeric IP address");
    return false;
  }
  *out = address;
  return true;
}

bool ReadJoin(napi_env env, napi_value join, MulticastOptions* out) {
  std::string group;
  if (!GetStringProperty(env, join, "group", &group) || !ReadGroupAddress(env, group, &out->group)) return false;
  const std::string source = OptionalString(env, join, "source");
  if (!source.empty() && !ReadGroupAddress(env, source, &out->source)) return false;
  return ReadInterface(env, join, &out->receiveInterface);
}

bool ReadOptions(napi_env env, napi_value object, UdpOptions* out) {
  napi_value value;
  if (!ReadUdpOptions(env, object, out)) return false;
  out->stamps = true;
  if (GetOptional(env, object, "reuse", &value)) napi_get_value_bool(env, value, &out->reuse);
  if (GetOptional(env, object, "join", &value) && !ReadJoin(env, value, &out->multicast)) return false;
  if (!GetOptional(env, object, "multicast", &value)) return true;
  out->multicast.ttl = OptionalInt(env, value, "ttl");
  return ReadInterface(env, value, &out->multicast.sendInterface);
}

napi_value OpenSocket(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  UdpOptions options;
  int32_t id = -1;
  if (binding == nullptr || !ReadOptions(env, args[0], &options)) return nullptr;
  const int error = binding->pool->epollFd() < 0 ? EBADF : binding->pool->Open(options, &id);
  if (!CheckErrno(env, error)) return nullptr;
  Set(env, args.self, "size", Number(env, binding->pool->size()));
  return Number(env, id);
}

napi_value AddressOfSocket(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const auto socket = SocketArgument(env, BindingOf(env, args.self), args[0]);
  return socket == nullptr ? nullptr : DescribeAddress(env, socket->localAddress());
}

napi_value OnBatch(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  return ListenMethod(env, binding, binding != nullptr && binding->pool->epollFd() >= 0, args[0]);
}

napi_value AddressOf(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  if (binding == nullptr) return nullptr;
  const sockaddr_in6* address = FindAddress(env, *binding->pool->addresses, args[0]);
  return address == nullptr ? nullptr : DescribeAddress(env, *address);
}

napi_value Intern(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  return binding == nullptr ? nullptr : InternAddress(env, *binding->pool->addresses, args[0], args[1]);
}

template <bool (AddressTable::*Count)(int32_t)>
napi_value Hold(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  int64_t id = -1;
  if (binding == nullptr || !GetInt(env, args[0], &id)) return nullptr;
  return Boolean(env, ((*binding->pool->addresses).*Count)(static_cast<int32_t>(id)));
}

napi_value Send(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  Bytes bytes;
  int64_t id = -1;
  if (binding == nullptr || !GetInt(env, args[0], &id) || !GetBytes(env, args[2], &bytes)) return nullptr;
  const sockaddr_in6* to = FindAddress(env, *binding->pool->addresses, args[1]);
  if (to == nullptr) return nullptr;
  const auto socket = binding->pool->Find(static_cast<int32_t>(id));
  return Boolean(env, socket != nullptr && socket->Send(*to, bytes.data, bytes.size));
}

/** Marks in the entries what was not sent, and tells how many were. */
int32_t SendEach(UdpPool& pool, const Bytes& slab, int32_t* entries, size_t count) {
  int32_t sent = 0;
  for (int32_t* entry = entries; entry < entries + count * kFieldsPerSend; entry += kFieldsPerSend) {
    const auto [offset, length] = std::pair(static_cast<uint32_t>(entry[2]), static_cast<uint32_t>(entry[3]));
    const sockaddr_in6* to = pool.addresses->Find(entry[1]);
    UdpSocket* socket = pool.Borrow(entry[0]);
    const bool isInside = uint64_t{offset} + length <= slab.size;
    if (isInside && to != nullptr && socket != nullptr && socket->Send(*to, slab.data + offset, length)) sent++;
    else entry[0] = kNotSent;
  }
  return sent;
}

napi_value SendMany(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  Bytes slab;
  int32_t* entries = nullptr;
  size_t length = 0;
  int64_t count = 0;
  if (binding == nullptr || !GetBytes(env, args[0], &slab) || !GetInt32Array(env, args[1], &entries, &length) ||
      !GetInt(env, args[2], &count)) {
    return nullptr;
  }
  if (count >= 0 && static_cast<uint64_t>(count) <= length / kFieldsPerSend)
    return Number(env, SendEach(*binding->pool, slab, entries, static_cast<size_t>(count)));
  Throw(env, "ERR_OUT_OF_RANGE", "there are fewer datagrams than said");
  return nullptr;
}

napi_value StatsOf(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  const auto socket = SocketArgument(env, BindingOf(env, args.self), args[0]);
  return socket == nullptr ? nullptr : DescribeCounters(env, socket->counters);
}

napi_value Stats(napi_env env, napi_callback_info info) {
  UdpPoolBinding* binding = BindingOf(env, Args<0>(env, info).self);
  return binding == nullptr ? nullptr : DescribeCounters(env, binding->pool->Counters());
}

napi_value CloseSocket(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  int64_t id = -1;
  if (binding == nullptr || !GetInt(env, args[0], &id)) return nullptr;
  const bool closed = binding->CloseSocket(static_cast<int32_t>(id));
  Set(env, args.self, "size", Number(env, binding->pool->size()));
  return Boolean(env, closed);
}

napi_value Close(napi_env env, napi_callback_info info) {
  const Args<0> args(env, info);
  UdpPoolBinding* binding = BindingOf(env, args.self);
  if (binding == nullptr) return nullptr;
  binding->Close();
  Set(env, args.self, "size", Number(env, 0));
  return nullptr;
}

napi_value CreateUdpPool(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  double clockOffsetUs = 0;
  if (!GetNumber(env, args[0], &clockOffsetUs)) return nullptr;
  auto* binding = new UdpPoolBinding(env, clockOffsetUs);
  napi_value object = New(env, binding);
  if (object == nullptr || !binding->CreateBatch(object, true)) return nullptr;
  if (!CheckErrno(env, binding->pool->epollFd() < 0 ? EMFILE : 0)) return nullptr;
  Set(env, object, "size", Number(env, 0));
  return object;
}

}  // namespace

bool DefineUdpPool(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"openSocket", OpenSocket},
      {"addressOfSocket", AddressOfSocket},
      {"onBatch", OnBatch},
      {"addressOf", AddressOf},
      {"intern", Intern},
      {"retain", Hold<&AddressTable::Retain>},
      {"release", Hold<&AddressTable::Release>},
      {"send", Send},
      {"sendMany", SendMany},
      {"stats", Stats},
      {"statsOf", StatsOf},
      {"closeSocket", CloseSocket},
      {"close", Close},
  };
  return DefineClass(env, kPoolKind, "UdpPool", methods, std::size(methods)) &&
         DefineFunction(env, exports, "createUdpPool", CreateUdpPool);
}

}  // namespace crosspoint
