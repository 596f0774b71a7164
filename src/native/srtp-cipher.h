// The transforms of DTLS-SRTP and SDES: AEAD_AES_128_GCM (RFC 7714), AES_CM_128_HMAC_SHA1_80 and _32 (RFC 3711).
#pragma once
#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>

// The one-shot hash state is copied per packet: the key's two pads are hashed once, when the key is set. OpenSSL's
// newer interfaces allocate for every packet. (OPENSSL_SUPPRESS_DEPRECATED in binding.gyp is for this.)
#include <openssl/sha.h>

namespace crosspoint {

enum class SrtpProfile { kAesGcm, kAesCm, kAesCmShortTag };

struct SrtpMasterKey {
  uint8_t key[16];
  /** 12 bytes for GCM, 14 for CM; the rest is zero. */
  uint8_t salt[14];
};

constexpr size_t SaltBytes(SrtpProfile profile) { return profile == SrtpProfile::kAesGcm ? 12 : 14; }

/** Which session keys are derived (RFC 3711 4.3.2: labels 0-2 and 3-5). */
enum class SrtpStreamKind { kRtp, kRtcp };

/** The short tag is for RTP alone: RTCP always has the long one (RFC 3711 5.2, RFC 4568 6.2.2). */
constexpr size_t TagBytes(SrtpProfile profile, SrtpStreamKind kind) {
  if (profile == SrtpProfile::kAesGcm) return 16;
  return profile == SrtpProfile::kAesCmShortTag && kind == SrtpStreamKind::kRtp ? 4 : 10;
}

/** Session keys of one direction of RTP or RTCP. */
class SrtpCipher {
 public:
  SrtpCipher(SrtpProfile profile, SrtpStreamKind kind, const SrtpMasterKey& master);

  /**
   * Encrypts `size` bytes from `in` to `out` (may be the same) and writes the tag. `header` is authenticated only;
   * it must lie right before `out` for CM. `index` is the packet index: 48 bits for RTP, 31 for RTCP; `trailer`,
   * 4 bytes, is the ROC or the SRTCP index word.
   */
  void Seal(uint32_t ssrc, uint64_t index, const uint8_t* header, size_t headerSize, const uint8_t* in, size_t size,
            uint32_t trailer, uint8_t* out, uint8_t* tag);
  /** In place, the header right before `data`. False when the tag is wrong; `data` is garbage then. */
  bool Open(uint32_t ssrc, uint64_t index, const uint8_t* header, size_t headerSize, uint8_t* data, size_t size,
            uint32_t trailer, const uint8_t* tag, bool encrypted);
  size_t tagBytes() const { return TagBytes(profile_, kind_); }

 private:
  struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  void MakeIv(uint32_t ssrc, uint64_t index, uint8_t* iv) const;
  void Authenticate(const uint8_t* data, size_t size, uint32_t trailer, uint8_t* tag) const;
  void SetMacKey(const uint8_t* key);

  const SrtpProfile profile_;
  const SrtpStreamKind kind_;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context_;
  uint8_t salt_[14] = {};
  SHA_CTX innerPad_;
  SHA_CTX outerPad_;
};

/** RFC 3711 4.3.1 with a key derivation rate of zero: `size` bytes of key stream for one label. */
void DeriveSrtpKey(const SrtpMasterKey& master, uint8_t label, uint8_t* out, size_t size);

}  // namespace crosspoint
