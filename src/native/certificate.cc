#include "certificate.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <cctype>
#include <cstring>

#include "module.h"

namespace crosspoint {

namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;

constexpr long kSecondsPerDay = 86'400;
constexpr long kValidDays = 3'650;

std::string ReadAll(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

/** Nothing in it tells one installation from another: a random serial and a fixed name. */
X509Ptr SelfSign(EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return nullptr;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kSecondsPerDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidDays * kSecondsPerDay);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const auto* common = reinterpret_cast<const unsigned char*>("WebRTC");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  return X509_sign(certificate.get(), key, EVP_sha256()) > 0 ? std::move(certificate) : nullptr;
}

std::string FormatFingerprint(const X509* certificate) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  std::string text;
  for (unsigned i = 0; i < size; i++) {
    char part[4];
    snprintf(part, sizeof part, "%s%02X", i == 0 ? "" : ":", digest[i]);
    text += part;
  }
  return text;
}

napi_value CreateCertificate(napi_env env, napi_callback_info) {
  KeyPtr key(EVP_EC_gen("P-256"));
  X509Ptr certificate = key == nullptr ? nullptr : SelfSign(key.get());
  if (certificate == nullptr) {
    Throw(env, "ERR_CERTIFICATE", "no certificate could be made");
    return nullptr;
  }
  BioPtr certificatePem(BIO_new(BIO_s_mem()));
  BioPtr keyPem(BIO_new(BIO_s_secmem()));
  PEM_write_bio_X509(certificatePem.get(), certificate.get());
  PEM_write_bio_PKCS8PrivateKey(keyPem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  napi_value result;
  napi_create_object(env, &result);
  Set(env, result, "certPem", String(env, ReadAll(certificatePem.get())));
  Set(env, result, "keyPem", String(env, ReadAll(keyPem.get())));
  Set(env, result, "fingerprintSha256", String(env, FormatFingerprint(certificate.get())));
  return result;
}

const EVP_MD* HashOf(std::string name) {
  for (char& letter : name) letter = static_cast<char>(tolower(static_cast<unsigned char>(letter)));
  if (name == "sha-256") return EVP_sha256();
  if (name == "sha-384") return EVP_sha384();
  if (name == "sha-512") return EVP_sha512();
  return nullptr;
}

}  // namespace

X509Ptr ReadCertificate(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

KeyPtr ReadKey(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return KeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

bool ParseFingerprint(const std::string& algorithm, const std::string& value, Fingerprint* out) {
  out->hash = HashOf(algorithm);
  if (out->hash == nullptr) return false;
  const auto size = static_cast<size_t>(EVP_MD_get_size(out->hash));
  if (value.size() != size * 3 - 1) return false;
  out->digest.resize(size);
  size_t written = 0;
  return OPENSSL_hexstr2buf_ex(out->digest.data(), size, &written, value.c_str(), ':') == 1 && written == size;
}

bool Matches(const X509* certificate, const Fingerprint& fingerprint) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, fingerprint.hash, digest, &size) != 1) return false;
  return size == fingerprint.digest.size() && CRYPTO_memcmp(digest, fingerprint.digest.data(), size) == 0;
}

bool DefineCertificate(napi_env env, napi_value exports) {
  return DefineFunction(env, exports, "createCertificate", CreateCertificate);
}

}  // namespace crosspoint
