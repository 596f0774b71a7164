// One DTLS 1.2 association that agrees on SRTP keys (RFC 6347, RFC 5764). Knows nothing of JavaScript or sockets.
#pragma once
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "certificate.h"
#include "dtls-bio.h"
#include "dtls-context.h"
#include "srtp-cipher.h"

namespace crosspoint {

enum class DtlsRole { kServer, kClient };
enum class DtlsState { kHandshaking, kConnected, kFailed, kClosed };

struct DtlsKeys {
  SrtpProfile profile;
  SrtpMasterKey local;
  SrtpMasterKey remote;
};

class DtlsSession {
 public:
  /** What an honest handshake stays far below, every flight lost and repeated several times. */
  static constexpr size_t kMaxHandshakeDatagrams = 256;
  static constexpr size_t kMaxHandshakeBytes = 128 * 1024;

  DtlsSession(SslContextPtr context, DtlsRole role, std::vector<Fingerprint> fingerprints, size_t mtuBytes);
  ~DtlsSession();
  DtlsSession(const DtlsSession&) = delete;
  DtlsSession& operator=(const DtlsSession&) = delete;

  void Start();
  void Feed(const uint8_t* datagram, size_t size);
  /** Milliseconds until the next retransmission; negative when no timer runs. */
  int TimeoutMs();
  void Retransmit();
  void Close();

  /** Datagrams to send since the last call. */
  std::vector<std::vector<uint8_t>> TakeOutgoing() { return std::move(queue_.outgoing); }
  DtlsState state() const { return state_; }
  const std::string& error() const { return error_; }
  /** True once, after the step that reached kConnected. */
  bool TakeKeys(DtlsKeys* out);

  /** OpenSSL asks it in place of a chain verification: the fingerprint is all the trust there is. */
  static int VerifyCertificate(X509_STORE_CTX* store, void*);

 private:
  void Step();
  void ReadRecords();
  void Connected();
  void Fail(const std::string& error);
  std::string ReasonOf(int result);
  bool ExportKeys(SrtpProfile profile);
  bool IsOverLimit(size_t size);

  SslContextPtr context_;
  const DtlsRole role_;
  const std::vector<Fingerprint> fingerprints_;
  DatagramQueue queue_;
  SSL* ssl_;
  DtlsState state_ = DtlsState::kHandshaking;
  std::string error_;
  DtlsKeys keys_{};
  bool keysReady_ = false;
  bool verified_ = false;
  /** The server's first flight, sent again to a client that repeats its ClientHello. */
  std::vector<std::vector<uint8_t>> flight_;
  size_t datagrams_ = 0;
  size_t bytes_ = 0;
  /** A plaintext alert of the handshake, believed only when no progress follows; -1 for none. */
  int alert_ = -1;
  OSSL_HANDSHAKE_STATE alertedAt_ = TLS_ST_BEFORE;
};

}  // namespace crosspoint
