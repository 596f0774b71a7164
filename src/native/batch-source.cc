#include "batch-source.h"

#include <uv.h>

namespace crosspoint {

namespace {

/** Outlives the source until the loop has let go of the handle. */
struct Poll {
  uv_poll_t handle;
  BatchSource* owner;
  napi_async_cleanup_hook_handle hook;
};

void OnReadable(uv_poll_t* handle, int, int) {
  BatchSource* owner = reinterpret_cast<Poll*>(handle)->owner;
  if (owner != nullptr) owner->ReadTurn();
}

void OnPollClosed(uv_handle_t* handle) {
  Poll* poll = reinterpret_cast<Poll*>(handle);
  napi_remove_async_cleanup_hook(poll->hook);
  delete poll;
}

void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  BatchSource* owner = static_cast<Poll*>(data)->owner;
  if (owner != nullptr) owner->Close();
}

void DeleteReference(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) napi_delete_reference(env, *reference);
  *reference = nullptr;
}

}  // namespace

BatchSource::~BatchSource() { StopListening(); }

bool BatchSource::CreateArray(napi_value batch, napi_typedarray_type type, const char* name, void** place) {
  napi_value buffer, array;
  const size_t size = type == napi_float64_array ? sizeof(double) : sizeof(int32_t);
  if (napi_create_arraybuffer(env, slots.capacity * size, place, &buffer) != napi_ok) return false;
  if (napi_create_typedarray(env, type, slots.capacity, buffer, 0, &array) != napi_ok) return false;
  Set(env, batch, name, array);
  return true;
}

bool BatchSource::CreateBatch(napi_value self, bool pooled) {
  napi_value object, slab;
  void* data = nullptr;
  if (napi_create_reference(env, self, 1, &self_) != napi_ok) return false;
  napi_create_object(env, &object);
  if (napi_create_buffer(env, slots.capacity * ReceiveSlots::kSlotBytes, &data, &slab) != napi_ok) return false;
  BatchMemory memory;
  memory.slab = static_cast<uint8_t*>(data);
  Set(env, object, "count", Number(env, 0));
  Set(env, object, "slab", slab);
  const auto int32s = [&](const char* name, int32_t** place) {
    return CreateArray(object, napi_int32_array, name, reinterpret_cast<void**>(place));
  };
  bool made = int32s("offsets", &memory.offsets) && int32s("lengths", &memory.lengths) && int32s("from", &memory.from);
  if (made && pooled) {
    made = int32s("sockets", &memory.sockets) &&
           CreateArray(object, napi_float64_array, "arrivedUs", reinterpret_cast<void**>(&memory.arrivedUs));
  }
  slots.Attach(memory);
  return made && napi_create_reference(env, object, 1, &batch_) == napi_ok;
}

bool BatchSource::Listen(napi_value callback) {
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
  napi_async_init(env, nullptr, String(env, "crosspoint:udp"), &context_);
  return uv_poll_start(poll_, UV_READABLE, OnReadable) == 0;
}

void BatchSource::CallListener() {
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value callback, object, owner, thrown;
  napi_get_reference_value(env, listener_, &callback);
  napi_get_reference_value(env, batch_, &object);
  napi_get_reference_value(env, self_, &owner);
  Set(env, object, "count", Number(env, slots.kept));
  if (napi_make_callback(env, context_, owner, callback, 1, &object, nullptr) == napi_pending_exception) {
    // The listener's error is the process's uncaughtException, as from any other event.
    napi_get_and_clear_last_exception(env, &thrown);
    napi_fatal_exception(env, thrown);
  }
  napi_close_handle_scope(env, scope);
}

void BatchSource::StopListening() {
  if (poll_ != nullptr) {
    reinterpret_cast<Poll*>(poll_)->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(poll_), OnPollClosed);
    poll_ = nullptr;
    napi_async_destroy(env, context_);
  }
  slots.Clear();
  DeleteReference(env, &listener_);
  DeleteReference(env, &batch_);
  DeleteReference(env, &self_);
}

napi_value ListenMethod(napi_env env, BatchSource* source, bool open, napi_value listener) {
  if (source == nullptr || !open) return nullptr;
  napi_valuetype type = napi_undefined;
  napi_typeof(env, listener, &type);
  if (type != napi_function) {
    ThrowType(env, "the listener must be a function");
  } else if (!source->Listen(listener)) {
    Throw(env, "ERR_POLL", "the socket cannot be polled by the event loop");
  }
  return nullptr;
}

}  // namespace crosspoint
