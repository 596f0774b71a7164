// OpenSSL contexts, one per certificate: making one costs more than a handshake message.
#pragma once
#include <openssl/ssl.h>

#include <list>
#include <memory>
#include <string>

namespace crosspoint {

using SslContextPtr = std::shared_ptr<SSL_CTX>;

class DtlsContexts {
 public:
  static constexpr size_t kMax = 8;
  /** nullptr when certificate and key cannot be read or do not belong together. */
  SslContextPtr Get(const std::string& certificatePem, const std::string& keyPem);

 private:
  struct Entry {
    std::string certificatePem;
    std::string keyPem;
    SslContextPtr context;
  };
  /** Most recently made first. */
  std::list<Entry> entries_;
};

}  // namespace crosspoint
