// The methods of the UdpSocket class of JavaScript.
#include <algorithm>
#include <cerrno>
#include <iterator>

#include "module.h"
#include "udp-binding.h"

namespace crosspoint {

namespace {

/** Ids that nobody retained; far above what one batch or one burst of connecting peers needs. */
constexpr uint32_t kTransientAddresses = 4096;
/** Datagrams in one system call. */
constexpr uint32_t kSendBatch = 64;

napi_value OnBatch(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  return ListenMethod(env, binding, binding != nullptr && binding->socket->fd() >= 0, args[0]);
}

napi_value AddressOf(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  if (binding == nullptr) return nullptr;
  const sockaddr_in6* address = FindAddress(env, *binding->socket->addresses, args[0]);
  return address == nullptr ? nullptr : DescribeAddress(env, *address);
}

napi_value Intern(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  return binding == nullptr ? nullptr : InternAddress(env, *binding->socket->addresses, args[0], args[1]);
}

template <bool (AddressTable::*Count)(int32_t)>
napi_value Hold(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  int64_t id = -1;
  if (binding == nullptr || !GetInt(env, args[0], &id)) return nullptr;
  return Boolean(env, ((*binding->socket->addresses).*Count)(static_cast<int32_t>(id)));
}

napi_value Send(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  Bytes bytes;
  if (binding == nullptr || !GetBytes(env, args[1], &bytes)) return nullptr;
  const sockaddr_in6* to = FindAddress(env, *binding->socket->addresses, args[0]);
  return to == nullptr ? nullptr : Boolean(env, binding->socket->Send(*to, bytes.data, bytes.size));
}

/** Sends the datagrams of an array from `start` on, at most one batch; false when an exception is pending. */
bool SendSlice(napi_env env, UdpSocket& socket, NativeAddress* to, napi_value list, uint32_t start, uint32_t count,
               uint32_t* sent) {
  mmsghdr messages[kSendBatch] = {};
  iovec parts[kSendBatch];
  for (uint32_t i = 0; i < count; i++) {
    napi_value item;
    Bytes bytes;
    if (napi_get_element(env, list, start + i, &item) != napi_ok || !GetBytes(env, item, &bytes)) return false;
    parts[i] = {bytes.data, bytes.size};
    messages[i].msg_hdr.msg_name = &to->storage;
    messages[i].msg_hdr.msg_namelen = to->length;
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  *sent += socket.SendAll(messages, count);
  return true;
}

napi_value SendMany(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  const sockaddr_in6* address =
      binding == nullptr ? nullptr : FindAddress(env, *binding->socket->addresses, args[0]);
  if (address == nullptr) return nullptr;
  uint32_t count = 0;
  if (napi_get_array_length(env, args[1], &count) != napi_ok) {
    ThrowType(env, "an array of Uint8Array is wanted");
    return nullptr;
  }
  NativeAddress to;
  if (!binding->socket->ToNative(*address, &to)) {
    binding->socket->CountRefusal(EAFNOSUPPORT, count);
    return Number(env, 0);
  }
  uint32_t sent = 0;
  for (uint32_t start = 0; start < count; start += kSendBatch) {
    const uint32_t slice = std::min(count - start, kSendBatch);
    if (!SendSlice(env, *binding->socket, &to, args[1], start, slice, &sent)) return nullptr;
  }
  return Number(env, sent);
}

napi_value Stats(napi_env env, napi_callback_info info) {
  auto* binding = Unwrap<UdpBinding>(env, Args<0>(env, info).self);
  return binding == nullptr ? nullptr : DescribeCounters(env, binding->socket->counters);
}

napi_value Close(napi_env env, napi_callback_info info) {
  auto* binding = Unwrap<UdpBinding>(env, Args<0>(env, info).self);
  if (binding != nullptr) binding->Close();
  return nullptr;
}

/** Wraps a bound socket; what never changes while it is open are plain properties. */
napi_value Expose(napi_env env, std::shared_ptr<UdpSocket> socket, napi_value host) {
  auto* binding = new UdpBinding(env, std::move(socket));
  napi_value object = New(env, binding);
  if (object == nullptr || !binding->CreateBatch(object, false)) return nullptr;
  Set(env, object, "host", host);
  Set(env, object, "port", Number(env, ntohs(binding->socket->localAddress().sin6_port)));
  Set(env, object, "receiveBufferBytes", Number(env, binding->socket->ReceiveBufferBytes()));
  Set(env, object, "sendBufferBytes", Number(env, binding->socket->SendBufferBytes()));
  return object;
}

napi_value OpenUdp(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  UdpOptions options;
  napi_value host;
  if (!ReadUdpOptions(env, args[0], &options) || !GetOptional(env, args[0], "host", &host)) return nullptr;
  auto socket = std::make_shared<UdpSocket>(std::make_shared<AddressTable>(kTransientAddresses));
  return CheckErrno(env, socket->Open(options)) ? Expose(env, std::move(socket), host) : nullptr;
}

}  // namespace

bool DefineUdp(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"onBatch", OnBatch},
      {"addressOf", AddressOf},
      {"intern", Intern},
      {"retain", Hold<&AddressTable::Retain>},
      {"release", Hold<&AddressTable::Release>},
      {"send", Send},
      {"sendMany", SendMany},
      {"stats", Stats},
      {"close", Close},
  };
  return DefineClass(env, kUdpKind, "UdpSocket", methods, std::size(methods)) &&
         DefineFunction(env, exports, "openUdp", OpenUdp);
}

}  // namespace crosspoint
