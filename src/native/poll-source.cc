#include "poll-source.h"

#include <uv.h>

namespace crosspoint {

namespace {

/** Outlives the source until the loop has let go of the handle. */
struct Poll {
  uv_poll_t handle;
  PollSource* owner;
  napi_async_cleanup_hook_handle hook;
};

void OnReadable(uv_poll_t* handle, int, int) {
  PollSource* owner = reinterpret_cast<Poll*>(handle)->owner;
  if (owner != nullptr) owner->ReadTurn();
}

void OnPollClosed(uv_handle_t* handle) {
  Poll* poll = reinterpret_cast<Poll*>(handle);
  napi_remove_async_cleanup_hook(poll->hook);
  delete poll;
}

void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  PollSource* owner = static_cast<Poll*>(data)->owner;
  if (owner != nullptr) owner->Close();
}

}  // namespace

void DeleteReference(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) napi_delete_reference(env, *reference);
  *reference = nullptr;
}

PollSource::~PollSource() { PollSource::StopListening(); }

bool PollSource::Hold(napi_value self) { return napi_create_reference(env, self, 1, &self_) == napi_ok; }

bool PollSource::Listen(napi_value callback) {
  DeleteReference(env, &listener_);
  napi_create_reference(env, callback, 1, &listener_);
  if (poll_ != nullptr) return true;
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  auto* created = new Poll{{}, this, nullptr};
  if (uv_poll_init(loop, &created->handle, PolledFd()) != 0) {
    delete created;
    return false;
  }
  poll_ = &created->handle;
  napi_add_async_cleanup_hook(env, OnEnvironmentEnd, created, &created->hook);
  napi_async_init(env, nullptr, String(env, "crosspoint"), &context_);
  return Start();
}

void PollSource::Pause() {
  if (poll_ != nullptr) uv_poll_stop(poll_);
}

bool PollSource::Start() { return poll_ != nullptr && uv_poll_start(poll_, UV_READABLE, OnReadable) == 0; }

void PollSource::Call(napi_value argument) {
  napi_value callback, owner, thrown;
  napi_get_reference_value(env, listener_, &callback);
  napi_get_reference_value(env, self_, &owner);
  if (napi_make_callback(env, context_, owner, callback, 1, &argument, nullptr) == napi_pending_exception) {
    // The listener's error is the process's uncaughtException, as from any other event.
    napi_get_and_clear_last_exception(env, &thrown);
    napi_fatal_exception(env, thrown);
  }
}

void PollSource::StopListening() {
  if (poll_ != nullptr) {
    reinterpret_cast<Poll*>(poll_)->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(poll_), OnPollClosed);
    poll_ = nullptr;
    napi_async_destroy(env, context_);
  }
  DeleteReference(env, &listener_);
  DeleteReference(env, &self_);
}

}  // namespace crosspoint
