#include "dtls-session.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

namespace crosspoint {

namespace {

/**
 * RFC 6347 4.2.4.1 says 1 s, and the server keeps to it: some peers take that long for their half, and one that lost
 * our flight shows it by repeating its ClientHello. The client starts sooner: a user is waiting.
 */
constexpr unsigned kFirstServerTimeoutUs = 1'000'000;
constexpr unsigned kFirstClientTimeoutUs = 250'000;
constexpr unsigned kMaxTimeoutUs = 3'000'000;
constexpr size_t kHandshakeHeaderBytes = 12;
constexpr size_t kMinMtu = 256;
constexpr size_t kMaxMtu = 2048;
constexpr size_t kRecordHeaderBytes = 13;
/** RFC 5288: explicit nonce and tag. */
constexpr size_t kGcmOverheadBytes = 8 + 16;
constexpr size_t kKeyBytes = 16;
constexpr uint8_t kAlertRecord = 21;
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHello = 1;
constexpr uint8_t kFatal = 2;
constexpr const char* kExporterLabel = "EXTRACTOR-dtls_srtp";

unsigned NextTimeout(SSL* ssl, unsigned current) {
  if (current > 0) return std::min(current * 2, kMaxTimeoutUs);
  return SSL_is_server(ssl) ? kFirstServerTimeoutUs : kFirstClientTimeoutUs;
}

/** The first fragment of a ClientHello. */
bool BeginsClientHello(const uint8_t* datagram, size_t size) {
  if (size < kRecordHeaderBytes + kHandshakeHeaderBytes) return false;
  const uint8_t* message = datagram + kRecordHeaderBytes;
  const bool first = message[6] == 0 && message[7] == 0 && message[8] == 0;
  return datagram[0] == kHandshakeRecord && datagram[3] == 0 && datagram[4] == 0 && message[0] == kClientHello && first;
}

/** A fatal alert in plaintext (epoch 0): anybody can have written it. Its description, or -1. */
int PlaintextAlert(const uint8_t* datagram, size_t size) {
  const bool alert = size >= kRecordHeaderBytes + 2 && datagram[0] == kAlertRecord && datagram[3] == 0 &&
                     datagram[4] == 0 && datagram[kRecordHeaderBytes] == kFatal;
  return alert ? datagram[kRecordHeaderBytes + 1] : -1;
}

/**
 * OpenSSL answers an encrypted record that is too short for its nonce and tag with a fatal alert, although anybody
 * can have sent it. Honest ones hold at least one byte more.
 */
bool HasStuntedRecord(const uint8_t* datagram, size_t size) {
  while (size >= kRecordHeaderBytes) {
    const bool encrypted = datagram[3] != 0 || datagram[4] != 0;
    const size_t length = static_cast<size_t>(datagram[11]) << 8 | datagram[12];
    if (length > size - kRecordHeaderBytes || (encrypted && length <= kGcmOverheadBytes)) return true;
    datagram += kRecordHeaderBytes + length;
    size -= kRecordHeaderBytes + length;
  }
  return size > 0;
}

}  // namespace

DtlsSession::DtlsSession(SslContextPtr context, DtlsRole role, std::vector<Fingerprint> fingerprints,
                         size_t mtuBytes)
    : context_(std::move(context)), role_(role), fingerprints_(std::move(fingerprints)), ssl_(SSL_new(context_.get())) {
  BIO* bio = NewDatagramBio(&queue_);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, this);
  SSL_set_mtu(ssl_, static_cast<long>(std::clamp(mtuBytes, kMinMtu, kMaxMtu)));
  DTLS_set_timer_cb(ssl_, NextTimeout);
  if (role_ == DtlsRole::kServer) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
  }
}

DtlsSession::~DtlsSession() {
  SSL_free(ssl_);
  OPENSSL_cleanse(&keys_, sizeof keys_);
}

int DtlsSession::VerifyCertificate(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = static_cast<DtlsSession*>(SSL_get_app_data(ssl));
  const X509* certificate = X509_STORE_CTX_get0_cert(store);
  const auto& wanted = session->fingerprints_;
  session->verified_ = std::any_of(wanted.begin(), wanted.end(),
                                   [&](const Fingerprint& print) { return Matches(certificate, print); });
  X509_STORE_CTX_set_error(store, session->verified_ ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
  return session->verified_ ? 1 : 0;
}

void DtlsSession::Fail(const std::string& error) {
  state_ = DtlsState::kFailed;
  error_ = error;
}

/** Whatever OpenSSL has put into the thread's error queue is read here or dropped, so it never blames a later call. */
std::string DtlsSession::ReasonOf(int result) {
  if (SSL_get_verify_result(ssl_) == X509_V_ERR_APPLICATION_VERIFICATION) {
    return "the certificate does not match the fingerprint in the SDP";
  }
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  if (reason != nullptr) return std::string("the DTLS handshake failed: ") + reason;
  return "the DTLS handshake failed with SSL error " + std::to_string(SSL_get_error(ssl_, result));
}

void DtlsSession::Step() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (flight_.empty() && role_ == DtlsRole::kServer) flight_ = queue_.outgoing;
  if (result == 1) {
    flight_.clear();
    Connected();
  } else if (SSL_get_error(ssl_, result) != SSL_ERROR_WANT_READ) {
    Fail(ReasonOf(result));
  }
  ERR_clear_error();
}

void DtlsSession::Start() {
  if (state_ == DtlsState::kHandshaking) Step();
}

bool DtlsSession::IsOverLimit(size_t size) {
  datagrams_++;
  bytes_ += size;
  return datagrams_ > kMaxHandshakeDatagrams || bytes_ > kMaxHandshakeBytes;
}

void DtlsSession::Feed(const uint8_t* datagram, size_t size) {
  if (state_ == DtlsState::kFailed || state_ == DtlsState::kClosed) return;
  if (state_ == DtlsState::kHandshaking) {
    if (IsOverLimit(size)) return Fail("the DTLS handshake took more datagrams than any honest one");
    const int alert = PlaintextAlert(datagram, size);
    if (alert >= 0) {
      alert_ = alert;
      alertedAt_ = SSL_get_state(ssl_);
      return;
    }
    if (!flight_.empty() && BeginsClientHello(datagram, size)) {
      queue_.outgoing = flight_;
      return;
    }
  }
  if (size == 0 || HasStuntedRecord(datagram, size)) return;
  queue_.incoming = datagram;
  queue_.incomingSize = size;
  if (state_ == DtlsState::kHandshaking) Step();
  if (state_ == DtlsState::kConnected) ReadRecords();
  queue_.incoming = nullptr;
}

/** After the handshake: alerts that authenticate, repeated last flights (answered by OpenSSL), data (dropped). */
void DtlsSession::ReadRecords() {
  uint8_t dropped[2048];
  ERR_clear_error();
  int result = 0;
  while ((result = SSL_read(ssl_, dropped, sizeof dropped)) > 0) continue;
  const bool failed = SSL_get_error(ssl_, result) == SSL_ERROR_SSL;
  // Whatever OpenSSL takes offence at now, the keys stand: it gets no say about the peer's end.
  if (failed) queue_.outgoing.clear();
  if (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) state_ = DtlsState::kClosed;
  ERR_clear_error();
}

void DtlsSession::Connected() {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_);
  if (!verified_) return Fail("the peer showed no certificate");
  if (selected == nullptr) return Fail("the peer offers no SRTP profile that we have");
  const SrtpProfile profile =
      selected->id == SRTP_AEAD_AES_128_GCM ? SrtpProfile::kAesGcm : SrtpProfile::kAesCm;
  if (!ExportKeys(profile)) return Fail("the SRTP keys could not be exported");
  state_ = DtlsState::kConnected;
}

/** RFC 5764 4.2: client key, server key, client salt, server salt. */
bool DtlsSession::ExportKeys(SrtpProfile profile) {
  const size_t salt = SaltBytes(profile);
  uint8_t material[2 * (kKeyBytes + sizeof keys_.local.salt)];
  if (SSL_export_keying_material(ssl_, material, 2 * (kKeyBytes + salt), kExporterLabel, strlen(kExporterLabel),
                                 nullptr, 0, 0) != 1) {
    return false;
  }
  SrtpMasterKey& client = role_ == DtlsRole::kClient ? keys_.local : keys_.remote;
  SrtpMasterKey& server = role_ == DtlsRole::kClient ? keys_.remote : keys_.local;
  memcpy(client.key, material, kKeyBytes);
  memcpy(server.key, material + kKeyBytes, kKeyBytes);
  memcpy(client.salt, material + 2 * kKeyBytes, salt);
  memcpy(server.salt, material + 2 * kKeyBytes + salt, salt);
  keys_.profile = profile;
  keysReady_ = true;
  OPENSSL_cleanse(material, sizeof material);
  return true;
}

bool DtlsSession::TakeKeys(DtlsKeys* out) {
  if (!keysReady_) return false;
  *out = keys_;
  OPENSSL_cleanse(&keys_, sizeof keys_);
  keysReady_ = false;
  return true;
}

int DtlsSession::TimeoutMs() {
  timeval left;
  if (state_ != DtlsState::kHandshaking || DTLSv1_get_timeout(ssl_, &left) != 1) return -1;
  // Rounded up: a timer that fires early would find nothing to repeat and be set again for no time at all.
  return static_cast<int>(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

void DtlsSession::Retransmit() {
  if (state_ != DtlsState::kHandshaking) return;
  if (alert_ >= 0 && SSL_get_state(ssl_) == alertedAt_) {
    return Fail(std::string("the peer refused the DTLS handshake: ") + SSL_alert_desc_string_long(alert_));
  }
  alert_ = -1;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_) < 0) Fail("the DTLS handshake timed out");
  ERR_clear_error();
}

void DtlsSession::Close() {
  if (state_ == DtlsState::kConnected) SSL_shutdown(ssl_);
  if (state_ != DtlsState::kFailed) state_ = DtlsState::kClosed;
  ERR_clear_error();
}

}  // namespace crosspoint
