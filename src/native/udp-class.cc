// The methods of the UdpSocket class of JavaScript.
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "module.h"
#include "udp-binding.h"

namespace crosspoint {

namespace {

/** Ids that nobody retained; far above what one batch or one burst of connecting peers needs. */
constexpr uint32_t kTransientAddresses = 4096;

const sockaddr_in6* AddressArgument(napi_env env, UdpBinding* binding, napi_value value) {
  int64_t id = -1;
  if (!GetInt(env, value, &id)) return nullptr;
  const sockaddr_in6* address = binding->socket->addresses.Find(static_cast<int32_t>(id));
  if (address == nullptr) Throw(env, "ERR_ADDRESS", "there is no address with the id " + std::to_string(id));
  return address;
}

napi_value OnBatch(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  if (binding == nullptr || binding->socket->fd() < 0) return nullptr;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, args[0], &type);
  if (type != napi_function) {
    ThrowType(env, "the listener must be a function");
  } else if (!binding->Listen(args[0])) {
    Throw(env, "ERR_POLL", "the socket cannot be polled by the event loop");
  }
  return nullptr;
}

napi_value AddressOf(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  if (binding == nullptr) return nullptr;
  const sockaddr_in6* address = AddressArgument(env, binding, args[0]);
  if (address == nullptr) return nullptr;
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "ip", String(env, FormatIp(*address)));
  Set(env, result, "port", Number(env, ntohs(address->sin6_port)));
  return result;
}

napi_value Intern(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  std::string ip;
  int64_t port = 0;
  if (binding == nullptr || !GetString(env, args[0], &ip) || !GetInt(env, args[1], &port)) return nullptr;
  sockaddr_in6 address;
  if (port <= 0 || port > 65535 || !ParseAddress(ip, static_cast<uint16_t>(port), &address)) {
    Throw(env, "ERR_ADDRESS", "'" + ip + "' port " + std::to_string(port) + " is not an address");
    return nullptr;
  }
  return Number(env, binding->socket->addresses.Intern(address));
}

template <bool (AddressTable::*Count)(int32_t)>
napi_value Hold(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  int64_t id = -1;
  if (binding == nullptr || !GetInt(env, args[0], &id)) return nullptr;
  return Boolean(env, (binding->socket->addresses.*Count)(static_cast<int32_t>(id)));
}

napi_value Send(napi_env env, napi_callback_info info) {
  Args<2> args(env, info);
  auto* binding = Unwrap<UdpBinding>(env, args.self);
  Bytes bytes;
  if (binding == nullptr || !GetBytes(env, args[1], &bytes)) return nullptr;
  const sockaddr_in6* to = AddressArgument(env, binding, args[0]);
  return to == nullptr ? nullptr : Boolean(env, binding->socket->Send(*to, bytes.data, bytes.size));
}

/** Sends the datagrams of an array from `start` on, at most one batch; false when an exception is pending. */
bool SendSlice(napi_env env, UdpSocket& socket, NativeAddress* to, napi_value list, uint32_t start, uint32_t count,
               uint32_t* sent) {
  mmsghdr messages[UdpSocket::kBatch] = {};
  iovec parts[UdpSocket::kBatch];
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
  const sockaddr_in6* address = binding == nullptr ? nullptr : AddressArgument(env, binding, args[0]);
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
  for (uint32_t start = 0; start < count; start += UdpSocket::kBatch) {
    const uint32_t slice = std::min<uint32_t>(count - start, UdpSocket::kBatch);
    if (!SendSlice(env, *binding->socket, &to, args[1], start, slice, &sent)) return nullptr;
  }
  return Number(env, sent);
}

napi_value Stats(napi_env env, napi_callback_info info) {
  auto* binding = Unwrap<UdpBinding>(env, Args<0>(env, info).self);
  if (binding == nullptr) return nullptr;
  const UdpCounters& counters = binding->socket->counters;
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "received", Number(env, counters.received));
  Set(env, result, "receiveTruncated", Number(env, counters.truncated));
  Set(env, result, "receiveOverflows", Number(env, counters.receiveOverflows));
  Set(env, result, "sent", Number(env, counters.sent));
  Set(env, result, "sendErrors", Number(env, counters.sendErrors));
  Set(env, result, "sendWouldBlock", Number(env, counters.sendWouldBlock));
  return result;
}

napi_value Close(napi_env env, napi_callback_info info) {
  auto* binding = Unwrap<UdpBinding>(env, Args<0>(env, info).self);
  if (binding != nullptr) binding->Close();
  return nullptr;
}

int OptionalInt(napi_env env, napi_value options, const char* name) {
  napi_value value;
  int64_t number = 0;
  return GetOptional(env, options, name, &value) && GetInt(env, value, &number) ? static_cast<int>(number) : 0;
}

/** Wraps a bound socket; what never changes while it is open are plain properties. */
napi_value Expose(napi_env env, std::shared_ptr<UdpSocket> socket, const std::string& host) {
  auto* binding = new UdpBinding(env, std::move(socket));
  napi_value object = New(env, binding);
  if (object == nullptr || !binding->CreateBatch()) return nullptr;
  napi_create_reference(env, object, 1, &binding->self);
  Set(env, object, "host", String(env, host));
  Set(env, object, "port", Number(env, binding->socket->port()));
  Set(env, object, "receiveBufferBytes", Number(env, binding->socket->ReceiveBufferBytes()));
  Set(env, object, "sendBufferBytes", Number(env, binding->socket->SendBufferBytes()));
  return object;
}

napi_value OpenUdp(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  std::string host;
  int64_t port = 0;
  if (!GetStringProperty(env, args[0], "host", &host) || !GetIntProperty(env, args[0], "port", &port)) return nullptr;
  sockaddr_in6 address;
  if (port < 0 || port > 65535 || !ParseAddress(host, static_cast<uint16_t>(port), &address)) {
    Throw(env, "EINVAL", "not a numeric IP address and a port");
    return nullptr;
  }
  auto socket = std::make_shared<UdpSocket>(kTransientAddresses);
  const int error = socket->Open(address, OptionalInt(env, args[0], "receiveBufferBytes"),
                                 OptionalInt(env, args[0], "sendBufferBytes"));
  if (error != 0) {
    Throw(env, uv_err_name(-error), uv_strerror(-error));
    return nullptr;
  }
  return Expose(env, std::move(socket), host);
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
