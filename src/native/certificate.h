// Self-made certificates and their fingerprints.
#pragma once
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace crosspoint {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using X509Ptr = std::unique_ptr<X509, FreeX509>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeKey>;

/** Both nullptr when the PEM text holds no such thing. */
X509Ptr ReadCertificate(const std::string& pem);
KeyPtr ReadKey(const std::string& pem);

/** What the peer's SDP says of its certificate (RFC 8122). */
struct Fingerprint {
  const EVP_MD* hash;
  std::vector<uint8_t> digest;
};

/** False when the hash is unknown or too weak (sha-1, md5), or the value is not a digest of that hash. */
bool ParseFingerprint(const std::string& algorithm, const std::string& value, Fingerprint* out);
bool Matches(const X509* certificate, const Fingerprint& fingerprint);

}  // namespace crosspoint
