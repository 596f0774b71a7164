// A polled file descriptor on its way to a listener of JavaScript.
#pragma once
#include "napi.h"

struct uv_poll_s;

namespace crosspoint {

class PollSource : public Wrapped {
 public:
  PollSource(napi_env env, Kind kind) : Wrapped(kind), env(env) {}
  ~PollSource() override;

  /** Holds the JavaScript object strongly while the source is open. */
  bool Hold(napi_value self);
  bool Listen(napi_value listener);
  /** Neither reads nor keeps the process alive until `Resume`. */
  void Pause();
  void Resume() { Start(); }
  /** Lets go of the listener and, once the event loop agrees, of the process. */
  virtual void StopListening();
  /** Something can be read. */
  virtual void ReadTurn() = 0;
  /** The environment ends. */
  virtual void Close() = 0;

  const napi_env env;

 protected:
  virtual int PolledFd() const = 0;
  bool listening() const { return poll_ != nullptr; }
  /** Open a handle scope around it. */
  void Call(napi_value argument);

 private:
  bool Start();

  /** Strong while the source is open, so that a listening one is never collected. */
  napi_ref self_ = nullptr;
  napi_ref listener_ = nullptr;
  napi_async_context context_ = nullptr;
  uv_poll_s* poll_ = nullptr;
};

void DeleteReference(napi_env env, napi_ref* reference);

}  // namespace crosspoint
