// Batches of datagrams on their way from a polled file descriptor to a listener of JavaScript.
#pragma once
#include "poll-source.h"
#include "receive-slots.h"

namespace crosspoint {

class BatchSource : public PollSource {
 public:
  BatchSource(napi_env env, Kind kind, int capacity) : PollSource(env, kind), slots(capacity) {}
  ~BatchSource() override { BatchSource::StopListening(); }

  /** Makes the batch object of JavaScript, and holds `self` while the source is open. */
  bool CreateBatch(napi_value self, bool pooled);
  void StopListening() override;

 protected:
  /** Hands the datagrams in the slots over. */
  void CallListener();

  ReceiveSlots slots;

 private:
  bool CreateArray(napi_value batch, napi_typedarray_type type, const char* name, void** place);

  napi_ref batch_ = nullptr;
};

/** The methods `onBatch` of the classes whose instances are batch sources. */
napi_value ListenMethod(napi_env env, BatchSource* source, bool open, napi_value listener);

}  // namespace crosspoint
