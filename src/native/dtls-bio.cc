#include "dtls-bio.h"

#include <algorithm>
#include <cstring>

namespace crosspoint {

namespace {

DatagramQueue* QueueOf(BIO* bio) { return static_cast<DatagramQueue*>(BIO_get_data(bio)); }

int Write(BIO* bio, const char* data, int size) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(data);
  QueueOf(bio)->outgoing.emplace_back(bytes, bytes + size);
  return size;
}

int Read(BIO* bio, char* out, int room) {
  BIO_clear_retry_flags(bio);
  DatagramQueue* queue = QueueOf(bio);
  if (queue->incoming == nullptr) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const int size = static_cast<int>(std::min(queue->incomingSize, static_cast<size_t>(room)));
  memcpy(out, queue->incoming, size);
  queue->incoming = nullptr;
  return size;
}

/** OpenSSL asks for the path MTU, timeouts and the like; we have set what it needs, so nothing but flush succeeds. */
long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* MakeMethod() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
  BIO_meth_set_write(method, Write);
  BIO_meth_set_read(method, Read);
  BIO_meth_set_ctrl(method, Control);
  return method;
}

}  // namespace

BIO* NewDatagramBio(DatagramQueue* queue) {
  // One for all environments; as immutable as OpenSSL's own methods.
  static BIO_METHOD* const method = MakeMethod();
  BIO* bio = BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, queue);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace crosspoint
