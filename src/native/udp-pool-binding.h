// A UdpPool in the event loop, behind the UdpPool class of JavaScript.
#pragma once
#include <memory>

#include "batch-source.h"
#include "udp-pool.h"

namespace crosspoint {

class UdpPoolBinding : public BatchSource {
 public:
  static constexpr Kind kKind = kPoolKind;

  /** `clockOffsetUs` is the monotonic clock less the clock of JavaScript. */
  UdpPoolBinding(napi_env env, double clockOffsetUs)
      : BatchSource(env, kKind, UdpPool::kBatch), clockOffsetUs(clockOffsetUs), pool(std::make_shared<UdpPool>()) {}
  ~UdpPoolBinding() override { Close(); }

  void ReadTurn() override;
  void Close() override;
  bool CloseSocket(int32_t id);

  const double clockOffsetUs;
  const std::shared_ptr<UdpPool> pool;

 protected:
  int PolledFd() const override { return pool->epollFd(); }

 private:
  /** Batches read per turn of the event loop before timers and others get theirs. */
  static constexpr int kBatchesPerTurn = 8;
};

}  // namespace crosspoint
