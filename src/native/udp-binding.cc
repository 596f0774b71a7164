#include "udp-binding.h"

#include <uv.h>

namespace crosspoint {

namespace {

/** Outlives the binding until the loop has let go of the handle. */
struct Poll {
  uv_poll_t handle;
  UdpBinding* owner;
  napi_async_cleanup_hook_handle hook;
};

void OnReadable(uv_poll_t* handle, int, int) {
  UdpBinding* owner = reinterpret_cast<Poll*>(handle)->owner;
  if (owner != nullptr) owner->ReadTurn();
}

void OnPollClosed(uv_handle_t* handle) {
  Poll* poll = reinterpret_cast<Poll*>(handle);
  napi_remove_async_cleanup_hook(poll->hook);
  delete poll;
}

void OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  UdpBinding* owner = static_cast<Poll*>(data)->owner;
  if (owner != nullptr) owner->Close();
}

void DeleteReference(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) napi_delete_reference(env, *reference);
  *reference = nullptr;
}

}  // namespace

UdpBinding::UdpBinding(napi_env env, std::shared_ptr<UdpSocket> socket)
    : Wrapped(kKind), env(env), socket(std::move(socket)) {}

UdpBinding::~UdpBinding() { Close(); }

bool UdpBinding::CreateBatch() {
  napi_value object, slab, array, buffer;
  const size_t bytes = UdpSocket::kBatch * UdpSocket::kSlotBytes;
  void* data = nullptr;
  napi_create_object(env, &object);
  if (napi_create_buffer(env, bytes, &data, &slab) != napi_ok) return false;
  memory.slab = static_cast<uint8_t*>(data);
  Set(env, object, "count", Number(env, 0));
  Set(env, object, "slab", slab);
  const char* names[] = {"offsets", "lengths", "from"};
  int32_t** places[] = {&memory.offsets, &memory.lengths, &memory.from};
  for (int i = 0; i < 3; i++) {
    if (napi_create_arraybuffer(env, UdpSocket::kBatch * sizeof(int32_t), &data, &buffer) != napi_ok) return false;
    napi_create_typedarray(env, napi_int32_array, UdpSocket::kBatch, buffer, 0, &array);
    *places[i] = static_cast<int32_t*>(data);
    Set(env, object, names[i], array);
  }
  return napi_create_reference(env, object, 1, &batch) == napi_ok;
}

bool UdpBinding::Listen(napi_value callback) {
  DeleteReference(env, &listener);
  napi_create_reference(env, callback, 1, &listener);
  if (poll != nullptr) return true;
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  auto* created = new Poll{{}, this, nullptr};
  if (uv_poll_init(loop, &created->handle, socket->fd()) != 0) {
    delete created;
    return false;
  }
  poll = &created->handle;
  napi_add_async_cleanup_hook(env, OnEnvironmentEnd, created, &created->hook);
  napi_value name = String(env, "crosspoint:udp");
  napi_async_init(env, nullptr, name, &context);
  return uv_poll_start(poll, UV_READABLE, OnReadable) == 0;
}

void UdpBinding::ReadTurn() {
  for (int i = 0; i < kBatchesPerTurn && poll != nullptr; i++) {
    int read = 0;
    const int kept = socket->Receive(memory, &read);
    if (kept > 0) CallListener(kept);
    if (read < UdpSocket::kBatch) return;
  }
}

void UdpBinding::CallListener(int count) {
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value callback, object, owner, thrown;
  napi_get_reference_value(env, listener, &callback);
  napi_get_reference_value(env, batch, &object);
  napi_get_reference_value(env, self, &owner);
  Set(env, object, "count", Number(env, count));
  if (napi_make_callback(env, context, owner, callback, 1, &object, nullptr) == napi_pending_exception) {
    // The listener's error is the process's uncaughtException, as from any other event.
    napi_get_and_clear_last_exception(env, &thrown);
    napi_fatal_exception(env, thrown);
  }
  napi_close_handle_scope(env, scope);
}

void UdpBinding::Close() {
  if (poll != nullptr) {
    reinterpret_cast<Poll*>(poll)->owner = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(poll), OnPollClosed);
    poll = nullptr;
    napi_async_destroy(env, context);
  }
  socket->Close();
  DeleteReference(env, &listener);
  DeleteReference(env, &batch);
  DeleteReference(env, &self);
}

}  // namespace crosspoint
