#include "srtp-binding.h"

#include <openssl/crypto.h>

#include <cstring>
#include <iterator>

#include "module.h"

namespace crosspoint {

namespace {

constexpr const char* kGcmName = "AEAD_AES_128_GCM";
constexpr const char* kCmName = "AES_CM_128_HMAC_SHA1_80";
constexpr const char* kCmShortTagName = "AES_CM_128_HMAC_SHA1_32";

SrtpBinding* BindingOf(napi_env env, napi_value self) { return Unwrap<SrtpBinding>(env, self); }

template <int (SrtpSession::*Unprotect)(uint8_t*, size_t)>
napi_value UnprotectCall(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  SrtpBinding* binding = BindingOf(env, args.self);
  Bytes slab;
  int64_t offset = 0;
  int64_t length = 0;
  if (binding == nullptr || !GetBytes(env, args[0], &slab) || !GetInt(env, args[1], &offset) ||
      !GetInt(env, args[2], &length)) {
    return nullptr;
  }
  const auto size = static_cast<int64_t>(slab.size);
  if (offset < 0 || length < 0 || offset > size || length > size - offset) {
    Throw(env, "ERR_OUT_OF_RANGE", "the packet lies outside the slab");
    return nullptr;
  }
  if (binding->session == nullptr) return Number(env, kSrtpFreed);
  return Number(env, ((*binding->session).*Unprotect)(slab.data + offset, static_cast<size_t>(length)));
}

template <int (SrtpSession::*Protect)(const uint8_t*, size_t, uint8_t*)>
napi_value ProtectCall(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  SrtpBinding* binding = BindingOf(env, args.self);
  Bytes packet;
  Bytes out;
  int64_t length = 0;
  if (binding == nullptr || !GetBytes(env, args[0], &packet) || !GetInt(env, args[1], &length) ||
      !GetBytes(env, args[2], &out)) {
    return nullptr;
  }
  const auto size = static_cast<size_t>(length);
  if (length < 0 || size > packet.size || size + SrtpSession::kMaxExpansion > out.size) {
    Throw(env, "ERR_OUT_OF_RANGE", "the output needs room for the packet and 20 bytes more");
    return nullptr;
  }
  if (binding->session == nullptr) return Number(env, kSrtpFreed);
  return Number(env, ((*binding->session).*Protect)(packet.data, size, out.data));
}

napi_value Free(napi_env env, napi_callback_info info) {
  SrtpBinding* binding = BindingOf(env, Args<0>(env, info).self);
  if (binding == nullptr || binding->session == nullptr) return nullptr;
  binding->session->Free();
  binding->session.reset();
  return nullptr;
}

bool ReadMasterKey(napi_env env, napi_value keys, SrtpProfile profile, const char* keyName, const char* saltName,
                   SrtpMasterKey* out) {
  Bytes key;
  Bytes salt;
  if (!GetBytesProperty(env, keys, keyName, &key) || !GetBytesProperty(env, keys, saltName, &salt)) return false;
  if (key.size != sizeof out->key || salt.size != SaltBytes(profile)) {
    Throw(env, "ERR_KEY", "an SRTP key or salt has the wrong length for its profile");
    return false;
  }
  *out = {};
  memcpy(out->key, key.data, key.size);
  memcpy(out->salt, salt.data, salt.size);
  return true;
}

bool ReadProfile(napi_env env, napi_value keys, std::string* name, SrtpProfile* out) {
  if (!GetStringProperty(env, keys, "profile", name)) return false;
  if (*name == kGcmName) *out = SrtpProfile::kAesGcm;
  else if (*name == kCmName) *out = SrtpProfile::kAesCm;
  else *out = SrtpProfile::kAesCmShortTag;
  if (*out != SrtpProfile::kAesCmShortTag || *name == kCmShortTagName) return true;
  Throw(env, "ERR_PROFILE", "there is no SRTP profile " + *name);
  return false;
}

napi_value CreateSrtp(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  std::string name;
  SrtpProfile profile;
  SrtpMasterKey local;
  SrtpMasterKey remote;
  if (!ReadProfile(env, args[0], &name, &profile) ||
      !ReadMasterKey(env, args[0], profile, "localKey", "localSalt", &local) ||
      !ReadMasterKey(env, args[0], profile, "remoteKey", "remoteSalt", &remote)) {
    return nullptr;
  }
  napi_value object = New(env, new SrtpBinding(std::make_shared<SrtpSession>(profile, local, remote)));
  OPENSSL_cleanse(&local, sizeof local);
  OPENSSL_cleanse(&remote, sizeof remote);
  if (object != nullptr) Set(env, object, "profile", String(env, name));
  return object;
}

}  // namespace

bool DefineSrtp(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"unprotectRtp", UnprotectCall<&SrtpSession::UnprotectRtp>},
      {"unprotectRtcp", UnprotectCall<&SrtpSession::UnprotectRtcp>},
      {"protectRtp", ProtectCall<&SrtpSession::ProtectRtp>},
      {"protectRtcp", ProtectCall<&SrtpSession::ProtectRtcp>},
      {"free", Free},
  };
  return DefineClass(env, kSrtpKind, "SrtpContext", methods, std::size(methods)) &&
         DefineFunction(env, exports, "createSrtp", CreateSrtp);
}

}  // namespace crosspoint
