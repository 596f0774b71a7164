#include "dtls-context.h"

#include <openssl/err.h>

#include "certificate.h"
#include "dtls-session.h"

namespace crosspoint {

namespace {

/** GCM first: the server's order counts. */
constexpr const char* kSrtpProfiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
/** Forward secrecy and AES-GCM only (RFC 8827 6.5); dtls-session.cc counts on the record overhead of AES-GCM. */
constexpr const char* kCiphers = "ECDHE+AESGCM";
constexpr const char* kGroups = "P-256:X25519:P-384";
/** Of a peer's certificates in a handshake; WebRTC's are self-signed and below 2 kB. */
constexpr long kMaxCertificateBytes = 16 * 1024;

void Configure(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A resumed session would skip the certificate, and with it the fingerprint.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, kMaxCertificateBytes);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, DtlsSession::VerifyCertificate, nullptr);
}

SslContextPtr Make(const std::string& certificatePem, const std::string& keyPem) {
  X509Ptr certificate = ReadCertificate(certificatePem);
  KeyPtr key = ReadKey(keyPem);
  SslContextPtr context(SSL_CTX_new(DTLS_method()), SSL_CTX_free);
  if (certificate == nullptr || key == nullptr || context == nullptr) return nullptr;
  Configure(context.get());
  const bool usable = SSL_CTX_use_certificate(context.get(), certificate.get()) == 1 &&
                      SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1 &&
                      SSL_CTX_check_private_key(context.get()) == 1 &&
                      SSL_CTX_set_cipher_list(context.get(), kCiphers) == 1 &&
                      SSL_CTX_set1_groups_list(context.get(), kGroups) == 1 &&
                      // This one returns 0 for success.
                      SSL_CTX_set_tlsext_use_srtp(context.get(), kSrtpProfiles) == 0;
  return usable ? context : nullptr;
}

}  // namespace

SslContextPtr DtlsContexts::Get(const std::string& certificatePem, const std::string& keyPem) {
  for (const Entry& entry : entries_) {
    if (entry.certificatePem == certificatePem && entry.keyPem == keyPem) return entry.context;
  }
  SslContextPtr context = Make(certificatePem, keyPem);
  ERR_clear_error();
  if (context == nullptr) return nullptr;
  entries_.push_front({certificatePem, keyPem, context});
  if (entries_.size() > kMax) entries_.pop_back();
  return context;
}

}  // namespace crosspoint
