// A UdpSocket in the event loop, behind the UdpSocket class of JavaScript.
#pragma once
#include <memory>

#include "napi.h"
#include "udp-socket.h"

struct uv_poll_s;

namespace crosspoint {

struct UdpBinding : Wrapped {
  static constexpr Kind kKind = kUdpKind;
  /** Datagrams read per turn of the event loop before timers and others get theirs. */
  static constexpr int kBatchesPerTurn = 8;

  UdpBinding(napi_env env, std::shared_ptr<UdpSocket> socket);
  ~UdpBinding() override;

  bool CreateBatch();
  bool Listen(napi_value listener);
  void Close();
  void ReadTurn();
  void CallListener(int count);

  napi_env env;
  std::shared_ptr<UdpSocket> socket;
  /** Strong while the socket is open, so that a listening socket is never collected. */
  napi_ref self = nullptr;
  napi_ref listener = nullptr;
  napi_ref batch = nullptr;
  napi_async_context context = nullptr;
  uv_poll_s* poll = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  ReceiveBatch memory{};
};

}  // namespace crosspoint
