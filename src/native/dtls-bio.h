// A BIO that keeps datagrams apart: what OpenSSL writes at once leaves as one datagram, and a read takes one.
#pragma once
#include <openssl/bio.h>

#include <cstdint>
#include <vector>

namespace crosspoint {

struct DatagramQueue {
  /** The one datagram that may be read; taken by the first read. */
  const uint8_t* incoming = nullptr;
  size_t incomingSize = 0;
  std::vector<std::vector<uint8_t>> outgoing;
};

/** The queue must outlive the BIO. */
BIO* NewDatagramBio(DatagramQueue* queue);

}  // namespace crosspoint
