// The DtlsSession class of JavaScript.
#include <openssl/crypto.h>

#include <iterator>

#include "dtls-session.h"
#include "module.h"

namespace crosspoint {

namespace {

constexpr int64_t kDefaultMtuBytes = 1200;

struct DtlsBinding : Wrapped {
  static constexpr Kind kKind = kDtlsKind;
  explicit DtlsBinding(std::unique_ptr<DtlsSession> session) : Wrapped(kKind), session(std::move(session)) {}
  /** Empty once freed. */
  std::unique_ptr<DtlsSession> session;
};

DtlsSession* SessionOf(napi_env env, napi_value self) {
  auto* binding = Unwrap<DtlsBinding>(env, self);
  if (binding == nullptr) return nullptr;
  if (binding->session == nullptr) Throw(env, "ERR_FREED", "the DTLS session was freed");
  return binding->session.get();
}

const char* NameOf(DtlsState state) {
  switch (state) {
    case DtlsState::kHandshaking: return "handshaking";
    case DtlsState::kConnected: return "connected";
    case DtlsState::kFailed: return "failed";
    case DtlsState::kClosed: return "closed";
  }
  return "";
}

napi_value TakeOutgoing(napi_env env, DtlsSession* session) {
  const auto datagrams = session->TakeOutgoing();
  napi_value list;
  napi_create_array_with_length(env, datagrams.size(), &list);
  for (size_t i = 0; i < datagrams.size(); i++) {
    napi_set_element(env, list, i, CopyToBuffer(env, datagrams[i].data(), datagrams[i].size()));
  }
  return list;
}

napi_value ExposeKeys(napi_env env, const DtlsKeys& keys) {
  const size_t salt = SaltBytes(keys.profile);
  napi_value object;
  napi_create_object(env, &object);
  Set(env, object, "profile",
      String(env, keys.profile == SrtpProfile::kAesGcm ? "AEAD_AES_128_GCM" : "AES_CM_128_HMAC_SHA1_80"));
  Set(env, object, "localKey", CopyToBuffer(env, keys.local.key, sizeof keys.local.key));
  Set(env, object, "localSalt", CopyToBuffer(env, keys.local.salt, salt));
  Set(env, object, "remoteKey", CopyToBuffer(env, keys.remote.key, sizeof keys.remote.key));
  Set(env, object, "remoteSalt", CopyToBuffer(env, keys.remote.salt, salt));
  return object;
}

napi_value ResultOf(napi_env env, DtlsSession* session) {
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "out", TakeOutgoing(env, session));
  Set(env, result, "state", String(env, NameOf(session->state())));
  DtlsKeys keys;
  if (session->TakeKeys(&keys)) {
    Set(env, result, "keys", ExposeKeys(env, keys));
    OPENSSL_cleanse(&keys, sizeof keys);
  }
  if (session->state() == DtlsState::kFailed) Set(env, result, "error", String(env, session->error()));
  return result;
}

template <void (DtlsSession::*Act)()>
napi_value StepCall(napi_env env, napi_callback_info info) {
  DtlsSession* session = SessionOf(env, Args<0>(env, info).self);
  if (session == nullptr) return nullptr;
  (session->*Act)();
  return ResultOf(env, session);
}

napi_value Feed(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  DtlsSession* session = SessionOf(env, args.self);
  Bytes datagram;
  if (session == nullptr || !GetBytes(env, args[0], &datagram)) return nullptr;
  session->Feed(datagram.data, datagram.size);
  return ResultOf(env, session);
}

napi_value TimeoutMs(napi_env env, napi_callback_info info) {
  DtlsSession* session = SessionOf(env, Args<0>(env, info).self);
  const int timeout = session == nullptr ? -1 : session->TimeoutMs();
  return timeout < 0 ? nullptr : Number(env, timeout);
}

napi_value Close(napi_env env, napi_callback_info info) {
  DtlsSession* session = SessionOf(env, Args<0>(env, info).self);
  if (session == nullptr) return nullptr;
  session->Close();
  return TakeOutgoing(env, session);
}

napi_value Free(napi_env env, napi_callback_info info) {
  auto* binding = Unwrap<DtlsBinding>(env, Args<0>(env, info).self);
  if (binding != nullptr) binding->session.reset();
  return nullptr;
}

/** Those that are usable; a peer may list weak hashes beside strong ones. False when an exception is pending. */
bool ReadFingerprints(napi_env env, napi_value options, std::vector<Fingerprint>* out) {
  napi_value list;
  uint32_t count = 0;
  if (!GetOptional(env, options, "fingerprints", &list) || napi_get_array_length(env, list, &count) != napi_ok) {
    ThrowType(env, "fingerprints must be an array");
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    napi_value item;
    std::string algorithm;
    std::string value;
    napi_get_element(env, list, i, &item);
    if (!GetStringProperty(env, item, "algorithm", &algorithm) || !GetStringProperty(env, item, "value", &value)) {
      return false;
    }
    Fingerprint fingerprint;
    if (ParseFingerprint(algorithm, value, &fingerprint)) out->push_back(std::move(fingerprint));
  }
  if (!out->empty()) return true;
  Throw(env, "ERR_FINGERPRINT", "no usable certificate fingerprint: sha-256, sha-384 or sha-512 is wanted");
  return false;
}

SslContextPtr ReadContext(napi_env env, napi_value options) {
  napi_value certificate;
  std::string certificatePem;
  std::string keyPem;
  if (!GetOptional(env, options, "certificate", &certificate)) {
    ThrowType(env, "certificate is missing");
    return nullptr;
  }
  if (!GetStringProperty(env, certificate, "certPem", &certificatePem) ||
      !GetStringProperty(env, certificate, "keyPem", &keyPem)) {
    return nullptr;
  }
  SslContextPtr context = Module::Of(env)->dtlsContexts.Get(certificatePem, keyPem);
  if (context == nullptr) Throw(env, "ERR_CERTIFICATE", "the certificate and its key cannot be used together");
  return context;
}

napi_value CreateDtls(napi_env env, napi_callback_info info) {
  Args<1> args(env, info);
  std::string role;
  std::vector<Fingerprint> fingerprints;
  napi_value mtu;
  int64_t mtuBytes = kDefaultMtuBytes;
  if (!GetStringProperty(env, args[0], "role", &role) || !ReadFingerprints(env, args[0], &fingerprints)) {
    return nullptr;
  }
  if (GetOptional(env, args[0], "mtuBytes", &mtu) && !GetInt(env, mtu, &mtuBytes)) return nullptr;
  SslContextPtr context = ReadContext(env, args[0]);
  if (context == nullptr) return nullptr;
  auto session = std::make_unique<DtlsSession>(std::move(context),
                                               role == "client" ? DtlsRole::kClient : DtlsRole::kServer,
                                               std::move(fingerprints), static_cast<size_t>(mtuBytes));
  return New(env, new DtlsBinding(std::move(session)));
}

}  // namespace

bool DefineDtls(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"start", StepCall<&DtlsSession::Start>},
      {"feed", Feed},
      {"timeoutMs", TimeoutMs},
      {"retransmit", StepCall<&DtlsSession::Retransmit>},
      {"close", Close},
      {"free", Free},
  };
  return DefineClass(env, kDtlsKind, "DtlsSession", methods, std::size(methods)) &&
         DefineFunction(env, exports, "createDtls", CreateDtls);
}

}  // namespace crosspoint
