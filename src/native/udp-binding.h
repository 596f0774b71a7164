// A UdpSocket in the event loop, behind the UdpSocket class of JavaScript.
#pragma once
#include <memory>

#include "batch-source.h"
#include "udp-socket.h"

namespace crosspoint {

class UdpBinding : public BatchSource {
 public:
  static constexpr Kind kKind = kUdpKind;

  UdpBinding(napi_env env, std::shared_ptr<UdpSocket> socket);
  ~UdpBinding() override { Close(); }

  void ReadTurn() override;
  void Close() override;

  const std::shared_ptr<UdpSocket> socket;

 protected:
  int PolledFd() const override { return socket->fd(); }

 private:
  static constexpr int kBatch = 64;
  /** Datagrams read per turn of the event loop before timers and others get theirs. */
  static constexpr int kBatchesPerTurn = 8;
};

/** The methods that say the same of one socket and of many. */
napi_value DescribeAddress(napi_env env, const sockaddr_in6& address);
/** nullptr with an exception pending when there is no such id. */
const sockaddr_in6* FindAddress(napi_env env, AddressTable& addresses, napi_value id);
napi_value InternAddress(napi_env env, AddressTable& addresses, napi_value ip, napi_value port);
napi_value DescribeCounters(napi_env env, const UdpCounters& counters);
/** The host, port and buffers that an object of options names; false with an exception pending. */
bool ReadUdpOptions(napi_env env, napi_value object, UdpOptions* out);
/** False: throws the errno as an error with its name as the code. */
bool CheckErrno(napi_env env, int error);

}  // namespace crosspoint
