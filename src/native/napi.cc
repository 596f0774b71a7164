#include "napi.h"

#include "module.h"

namespace crosspoint {

void Throw(napi_env env, const char* code, const std::string& message) {
  napi_throw_error(env, code, message.c_str());
}

void ThrowType(napi_env env, const std::string& message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message.c_str());
}

namespace {

bool GetTyped(napi_env env, napi_value value, napi_typedarray_type wanted, void** data, size_t* length) {
  bool typed = false;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed) return false;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env, value, &type, length, data, nullptr, nullptr) != napi_ok) return false;
  return type == wanted;
}

void Delete(napi_env, void* data, void*) { delete static_cast<Wrapped*>(data); }

napi_value Construct(napi_env env, napi_callback_info info) { return Args<0>(env, info).self; }

}  // namespace

bool TryGetBytes(napi_env env, napi_value value, Bytes* out) {
  void* data = nullptr;
  if (!GetTyped(env, value, napi_uint8_array, &data, &out->size)) return false;
  out->data = static_cast<uint8_t*>(data);
  return true;
}

bool GetBytes(napi_env env, napi_value value, Bytes* out) {
  if (TryGetBytes(env, value, out)) return true;
  ThrowType(env, "a Uint8Array is wanted");
  return false;
}

bool GetInt32Array(napi_env env, napi_value value, int32_t** data, size_t* length) {
  void* raw = nullptr;
  if (!GetTyped(env, value, napi_int32_array, &raw, length)) {
    ThrowType(env, "an Int32Array is wanted");
    return false;
  }
  *data = static_cast<int32_t*>(raw);
  return true;
}

bool GetInt(napi_env env, napi_value value, int64_t* out) {
  if (napi_get_value_int64(env, value, out) == napi_ok) return true;
  ThrowType(env, "a number is wanted");
  return false;
}

bool GetNumber(napi_env env, napi_value value, double* out) {
  if (napi_get_value_double(env, value, out) == napi_ok) return true;
  ThrowType(env, "a number is wanted");
  return false;
}

bool GetString(napi_env env, napi_value value, std::string* out) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    ThrowType(env, "a string is wanted");
    return false;
  }
  out->resize(length + 1);
  napi_get_value_string_utf8(env, value, out->data(), length + 1, &length);
  out->resize(length);
  return true;
}

bool GetOptional(napi_env env, napi_value object, const char* name, napi_value* out) {
  napi_valuetype type = napi_undefined;
  if (napi_get_named_property(env, object, name, out) != napi_ok) return false;
  return napi_typeof(env, *out, &type) == napi_ok && type != napi_undefined;
}

int OptionalInt(napi_env env, napi_value object, const char* name) {
  napi_value value;
  int64_t number = 0;
  return GetOptional(env, object, name, &value) && GetInt(env, value, &number) ? static_cast<int>(number) : 0;
}

std::string OptionalString(napi_env env, napi_value object, const char* name) {
  napi_value value;
  std::string text;
  return GetOptional(env, object, name, &value) && GetString(env, value, &text) ? text : "";
}

namespace {

bool GetRequired(napi_env env, napi_value object, const char* name, napi_value* out) {
  if (GetOptional(env, object, name, out)) return true;
  ThrowType(env, std::string(name) + " is missing");
  return false;
}

}  // namespace

bool GetIntProperty(napi_env env, napi_value object, const char* name, int64_t* out) {
  napi_value value;
  return GetRequired(env, object, name, &value) && GetInt(env, value, out);
}

bool GetStringProperty(napi_env env, napi_value object, const char* name, std::string* out) {
  napi_value value;
  return GetRequired(env, object, name, &value) && GetString(env, value, out);
}

bool GetBytesProperty(napi_env env, napi_value object, const char* name, Bytes* out) {
  napi_value value;
  return GetRequired(env, object, name, &value) && GetBytes(env, value, out);
}

napi_value Number(napi_env env, double value) {
  napi_value result = nullptr;
  napi_create_double(env, value, &result);
  return result;
}

napi_value Boolean(napi_env env, bool value) {
  napi_value result = nullptr;
  napi_get_boolean(env, value, &result);
  return result;
}

napi_value String(napi_env env, const std::string& value) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

napi_value CopyToBuffer(napi_env env, const uint8_t* data, size_t size) {
  napi_value result = nullptr;
  napi_create_buffer_copy(env, size, data, nullptr, &result);
  return result;
}

void Set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

bool DefineClass(napi_env env, Kind kind, const char* name, const Method* methods, size_t count) {
  std::vector<napi_property_descriptor> properties;
  for (size_t i = 0; i < count; i++) {
    properties.push_back(
        {methods[i].name, nullptr, methods[i].call, nullptr, nullptr, nullptr, napi_default_method, nullptr});
  }
  napi_value constructor;
  if (napi_define_class(env, name, NAPI_AUTO_LENGTH, Construct, nullptr, properties.size(), properties.data(),
                        &constructor) != napi_ok) {
    return false;
  }
  return napi_create_reference(env, constructor, 1, &Module::Of(env)->classes[kind - kUdpKind]) == napi_ok;
}

napi_value New(napi_env env, Wrapped* object) {
  napi_value constructor;
  napi_value instance;
  if (napi_get_reference_value(env, Module::Of(env)->classes[object->kind - kUdpKind], &constructor) == napi_ok &&
      napi_new_instance(env, constructor, 0, nullptr, &instance) == napi_ok &&
      napi_wrap(env, instance, object, Delete, nullptr, nullptr) == napi_ok) {
    return instance;
  }
  delete object;
  return nullptr;
}

Wrapped* UnwrapKind(napi_env env, napi_value value, Kind kind) {
  void* data = nullptr;
  if (napi_unwrap(env, value, &data) == napi_ok && static_cast<Wrapped*>(data)->kind == kind) {
    return static_cast<Wrapped*>(data);
  }
  ThrowType(env, "the object is not of the class that has this method");
  return nullptr;
}

}  // namespace crosspoint
