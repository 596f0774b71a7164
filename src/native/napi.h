// Small tools over Node-API. Every call returns false or nullptr with a JavaScript exception pending when it fails.
#pragma once
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace crosspoint {

/** Bytes of a Uint8Array or Buffer. Valid until control returns to JavaScript. */
struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

/** Base of every C++ object behind a JavaScript one; `kind` keeps a method from being called on another class. */
struct Wrapped {
  explicit Wrapped(uint32_t kind) : kind(kind) {}
  virtual ~Wrapped() = default;
  const uint32_t kind;
};

enum Kind : uint32_t {
  kUdpKind = 0x43500001,
  kDtlsKind,
  kSrtpKind,
  kFanOutKind,
  kPoolKind,
  kPacedKind,
  kTcpReaderKind,
  kKindCount = 7
};

/** Arguments of a call; missing ones are undefined. */
template <size_t N>
struct Args {
  Args(napi_env env, napi_callback_info info) {
    size_t count = N;
    napi_get_cb_info(env, info, &count, values, &self, nullptr);
  }
  napi_value operator[](size_t index) const { return values[index]; }
  napi_value values[N];
  napi_value self = nullptr;
};
template <>
struct Args<0> {
  Args(napi_env env, napi_callback_info info) {
    size_t count = 0;
    napi_get_cb_info(env, info, &count, nullptr, &self, nullptr);
  }
  napi_value self = nullptr;
};

void Throw(napi_env env, const char* code, const std::string& message);
void ThrowType(napi_env env, const std::string& message);

/** False, without an exception, when `value` is no Uint8Array. */
bool TryGetBytes(napi_env env, napi_value value, Bytes* out);
bool GetBytes(napi_env env, napi_value value, Bytes* out);
bool GetInt32Array(napi_env env, napi_value value, int32_t** data, size_t* length);
bool GetInt(napi_env env, napi_value value, int64_t* out);
bool GetNumber(napi_env env, napi_value value, double* out);
bool GetString(napi_env env, napi_value value, std::string* out);

/** Property of an object; false without an exception when it is missing or undefined. */
bool GetOptional(napi_env env, napi_value object, const char* name, napi_value* out);
/** 0 when it is missing. */
int OptionalInt(napi_env env, napi_value object, const char* name);
/** Empty when it is missing. */
std::string OptionalString(napi_env env, napi_value object, const char* name);
bool GetIntProperty(napi_env env, napi_value object, const char* name, int64_t* out);
bool GetStringProperty(napi_env env, napi_value object, const char* name, std::string* out);
bool GetBytesProperty(napi_env env, napi_value object, const char* name, Bytes* out);

napi_value Number(napi_env env, double value);
napi_value Boolean(napi_env env, bool value);
napi_value String(napi_env env, const std::string& value);
napi_value CopyToBuffer(napi_env env, const uint8_t* data, size_t size);
void Set(napi_env env, napi_value object, const char* name, napi_value value);

struct Method {
  const char* name;
  napi_callback call;
};
/** Makes a class whose instances only the addon can create (through `New`). */
bool DefineClass(napi_env env, Kind kind, const char* name, const Method* methods, size_t count);
/** A new instance of the class that owns `object`; `object` is deleted when it fails. */
napi_value New(napi_env env, Wrapped* object);
/** The object behind `value`, or nullptr with a TypeError pending. */
Wrapped* UnwrapKind(napi_env env, napi_value value, Kind kind);

template <class T>
T* Unwrap(napi_env env, napi_value value) {
  return static_cast<T*>(UnwrapKind(env, value, T::kKind));
}

}  // namespace crosspoint
