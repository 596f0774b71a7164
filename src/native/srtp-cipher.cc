#include "srtp-cipher.h"

#include <openssl/crypto.h>

#include <cstring>

namespace crosspoint {

namespace {

constexpr size_t kMacKeyBytes = 20;
constexpr size_t kShaBlockBytes = 64;

void StoreBigEndian(uint64_t value, size_t bytes, uint8_t* out) {
  for (size_t i = 0; i < bytes; i++) out[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
}

}  // namespace

void DeriveSrtpKey(const SrtpMasterKey& master, uint8_t label, uint8_t* out, size_t size) {
  uint8_t iv[16] = {};
  memcpy(iv, master.salt, sizeof master.salt);
  iv[7] ^= label;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int written = 0;
  memset(out, 0, size);
  EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nullptr, master.key, iv);
  EVP_EncryptUpdate(context, out, &written, out, static_cast<int>(size));
  EVP_CIPHER_CTX_free(context);
}

SrtpCipher::SrtpCipher(SrtpProfile profile, SrtpStreamKind kind, const SrtpMasterKey& master)
    : profile_(profile), kind_(kind), context_(EVP_CIPHER_CTX_new()) {
  const uint8_t firstLabel = kind == SrtpStreamKind::kRtp ? 0 : 3;
  uint8_t key[16];
  uint8_t macKey[kMacKeyBytes];
  DeriveSrtpKey(master, firstLabel, key, sizeof key);
  DeriveSrtpKey(master, firstLabel + 1, macKey, sizeof macKey);
  DeriveSrtpKey(master, firstLabel + 2, salt_, SaltBytes(profile));
  const EVP_CIPHER* cipher = profile == SrtpProfile::kAesGcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr();
  EVP_CipherInit_ex(context_.get(), cipher, nullptr, key, nullptr, 1);
  SetMacKey(macKey);
  OPENSSL_cleanse(key, sizeof key);
  OPENSSL_cleanse(macKey, sizeof macKey);
}

/** HMAC-SHA1 (RFC 2104): the state after the inner and after the outer pad. */
void SrtpCipher::SetMacKey(const uint8_t* key) {
  uint8_t pad[kShaBlockBytes];
  for (size_t i = 0; i < kShaBlockBytes; i++) pad[i] = (i < kMacKeyBytes ? key[i] : 0) ^ 0x36;
  SHA1_Init(&innerPad_);
  SHA1_Update(&innerPad_, pad, sizeof pad);
  for (size_t i = 0; i < kShaBlockBytes; i++) pad[i] ^= 0x36 ^ 0x5c;
  SHA1_Init(&outerPad_);
  SHA1_Update(&outerPad_, pad, sizeof pad);
  OPENSSL_cleanse(pad, sizeof pad);
}

/** RFC 3711 4.1.1 for CM, RFC 7714 8.1 and 9.1 for GCM; the SRTCP index counts as an index of 48 bits there too. */
void SrtpCipher::MakeIv(uint32_t ssrc, uint64_t index, uint8_t* iv) const {
  if (profile_ == SrtpProfile::kAesGcm) {
    iv[0] = iv[1] = 0;
    StoreBigEndian(ssrc, 4, iv + 2);
    StoreBigEndian(index, 6, iv + 6);
    for (size_t i = 0; i < 12; i++) iv[i] ^= salt_[i];
    return;
  }
  memset(iv, 0, 16);
  StoreBigEndian(ssrc, 4, iv + 4);
  StoreBigEndian(index, 6, iv + 8);
  for (size_t i = 0; i < 14; i++) iv[i] ^= salt_[i];
}

void SrtpCipher::Authenticate(const uint8_t* data, size_t size, uint32_t trailer, uint8_t* tag) const {
  uint8_t word[4];
  uint8_t digest[SHA_DIGEST_LENGTH];
  StoreBigEndian(trailer, 4, word);
  SHA_CTX hash = innerPad_;
  SHA1_Update(&hash, data, size);
  SHA1_Update(&hash, word, sizeof word);
  SHA1_Final(digest, &hash);
  hash = outerPad_;
  SHA1_Update(&hash, digest, sizeof digest);
  SHA1_Final(digest, &hash);
  memcpy(tag, digest, tagBytes());
}

void SrtpCipher::Seal(uint32_t ssrc, uint64_t index, const uint8_t* header, size_t headerSize, const uint8_t* in,
                      size_t size, uint32_t trailer, uint8_t* out, uint8_t* tag) {
  uint8_t iv[16];
  int written = 0;
  MakeIv(ssrc, index, iv);
  EVP_CIPHER_CTX* context = context_.get();
  EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv, 1);
  if (profile_ != SrtpProfile::kAesGcm) {
    EVP_EncryptUpdate(context, out, &written, in, static_cast<int>(size));
    Authenticate(header, headerSize + size, trailer, tag);
    return;
  }
  EVP_EncryptUpdate(context, nullptr, &written, header, static_cast<int>(headerSize));
  if (kind_ == SrtpStreamKind::kRtcp) {
    uint8_t word[4];
    StoreBigEndian(trailer, 4, word);
    EVP_EncryptUpdate(context, nullptr, &written, word, sizeof word);
  }
  if (size > 0) EVP_EncryptUpdate(context, out, &written, in, static_cast<int>(size));
  EVP_EncryptFinal_ex(context, out + size, &written);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tagBytes()), tag);
}

bool SrtpCipher::Open(uint32_t ssrc, uint64_t index, const uint8_t* header, size_t headerSize, uint8_t* data,
                      size_t size, uint32_t trailer, const uint8_t* tag, bool encrypted) {
  uint8_t iv[16];
  int written = 0;
  MakeIv(ssrc, index, iv);
  EVP_CIPHER_CTX* context = context_.get();
  if (profile_ != SrtpProfile::kAesGcm) {
    uint8_t wanted[SHA_DIGEST_LENGTH];
    Authenticate(header, headerSize + size, trailer, wanted);
    if (CRYPTO_memcmp(wanted, tag, tagBytes()) != 0) return false;
    // Counter mode: decryption is encryption.
    EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv, 1);
    return !encrypted || EVP_EncryptUpdate(context, data, &written, data, static_cast<int>(size)) == 1;
  }
  EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, iv, 0);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tagBytes()), const_cast<uint8_t*>(tag));
  EVP_DecryptUpdate(context, nullptr, &written, header, static_cast<int>(headerSize));
  if (!encrypted) EVP_DecryptUpdate(context, nullptr, &written, data, static_cast<int>(size));
  if (kind_ == SrtpStreamKind::kRtcp) {
    uint8_t word[4];
    StoreBigEndian(trailer, 4, word);
    EVP_DecryptUpdate(context, nullptr, &written, word, sizeof word);
  }
  if (encrypted && size > 0) EVP_DecryptUpdate(context, data, &written, data, static_cast<int>(size));
  uint8_t rest[16];
  return EVP_DecryptFinal_ex(context, rest, &written) == 1;
}

}  // namespace crosspoint
