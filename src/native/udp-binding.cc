#include "udp-binding.h"

#include <uv.h>

namespace crosspoint {

UdpBinding::UdpBinding(napi_env env, std::shared_ptr<UdpSocket> socket)
    : BatchSource(env, kKind, kBatch), socket(std::move(socket)) {}

void UdpBinding::ReadTurn() {
  for (int i = 0; i < kBatchesPerTurn && listening(); i++) {
    slots.Clear();
    const int taken = socket->Receive(slots, kBatch);
    if (slots.kept > 0) CallListener();
    if (taken < kBatch) return;
  }
}

void UdpBinding::Close() {
  StopListening();
  socket->Close();
}

napi_value DescribeAddress(napi_env env, const sockaddr_in6& address) {
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "ip", String(env, FormatIp(address)));
  Set(env, result, "port", Number(env, ntohs(address.sin6_port)));
  return result;
}

const sockaddr_in6* FindAddress(napi_env env, AddressTable& addresses, napi_value value) {
  int64_t id = -1;
  if (!GetInt(env, value, &id)) return nullptr;
  const sockaddr_in6* address = addresses.Find(static_cast<int32_t>(id));
  if (address == nullptr) Throw(env, "ERR_ADDRESS", "there is no address with the id " + std::to_string(id));
  return address;
}

napi_value InternAddress(napi_env env, AddressTable& addresses, napi_value ipValue, napi_value portValue) {
  std::string ip;
  int64_t port = 0;
  if (!GetString(env, ipValue, &ip) || !GetInt(env, portValue, &port)) return nullptr;
  sockaddr_in6 address;
  if (port > 0 && port <= 65535 && ParseAddress(ip, static_cast<uint16_t>(port), &address)) {
    return Number(env, addresses.Intern(address));
  }
  Throw(env, "ERR_ADDRESS", "'" + ip + "' port " + std::to_string(port) + " is not an address");
  return nullptr;
}

napi_value DescribeCounters(napi_env env, const UdpCounters& counters) {
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

bool ReadUdpOptions(napi_env env, napi_value object, UdpOptions* out) {
  std::string host;
  int64_t port = 0;
  if (!GetStringProperty(env, object, "host", &host) || !GetIntProperty(env, object, "port", &port)) return false;
  if (port < 0 || port > 65535 || !ParseAddress(host, static_cast<uint16_t>(port), &out->host)) {
    Throw(env, "EINVAL", "not a numeric IP address and a port");
    return false;
  }
  out->receiveBufferBytes = OptionalInt(env, object, "receiveBufferBytes");
  out->sendBufferBytes = OptionalInt(env, object, "sendBufferBytes");
  return true;
}

bool CheckErrno(napi_env env, int error) {
  if (error != 0) Throw(env, uv_err_name(-error), uv_strerror(-error));
  return error == 0;
}

}  // namespace crosspoint
