// Batches of datagrams on their way from a polled file descriptor to a listener of JavaScript.
#pragma once
#include "napi.h"
#include "receive-slots.h"

struct uv_poll_s;

namespace crosspoint {

class BatchSource : public Wrapped {
 public:
  BatchSource(napi_env env, Kind kind, int capacity) : Wrapped(kind), env(env), slots(capacity) {}
  ~BatchSource() override;

  /** Makes the batch object of JavaScript, and holds `self` strongly while the source is open. */
  bool CreateBatch(napi_value self, bool pooled);
  bool Listen(napi_value listener);
  /** Lets go of the listener and, once the event loop agrees, of the process. */
  void StopListening();
  /** Something can be read. */
  virtual void ReadTurn() = 0;
  /** The environment ends. */
  virtual void Close() = 0;

  const napi_env env;

 protected:
  virtual int PolledFd() const = 0;
  bool listening() const { return poll_ != nullptr; }
  /** Hands the datagrams in the slots over. */
  void CallListener();

  ReceiveSlots slots;

 private:
  bool CreateArray(napi_value batch, napi_typedarray_type type, const char* name, void** place);

  /** Strong while the source is open, so that a listening one is never collected. */
  napi_ref self_ = nullptr;
  napi_ref listener_ = nullptr;
  napi_ref batch_ = nullptr;
  napi_async_context context_ = nullptr;
  uv_poll_s* poll_ = nullptr;
};

/** The methods `onBatch` of the classes whose instances are batch sources. */
napi_value ListenMethod(napi_env env, BatchSource* source, bool open, napi_value listener);

}  // namespace crosspoint
