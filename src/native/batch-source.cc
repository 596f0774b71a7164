#include "batch-source.h"

namespace crosspoint {

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
  if (!Hold(self)) return false;
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

void BatchSource::CallListener() {
  napi_handle_scope scope;
  napi_open_handle_scope(env, &scope);
  napi_value object;
  napi_get_reference_value(env, batch_, &object);
  Set(env, object, "count", Number(env, slots.kept));
  Call(object);
  napi_close_handle_scope(env, scope);
}

void BatchSource::StopListening() {
  slots.Clear();
  DeleteReference(env, &batch_);
  PollSource::StopListening();
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
