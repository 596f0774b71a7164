// Messages that many TCP sockets share, written to all of them in one call from JavaScript.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "module.h"

namespace crosspoint {

namespace {

/** One bit of a positive Int32 for each. */
constexpr uint32_t kMaxMessages = 31;
constexpr size_t kFieldsPerWrite = 3;

ssize_t Send(int fd, iovec* parts, size_t count) {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (count == 1) return send(fd, parts->iov_base, parts->iov_len, flags);
  msghdr header{};
  header.msg_iov = parts;
  header.msg_iovlen = count;
  return sendmsg(fd, &header, flags);
}

/** Bytes left over. An error leaves all: the stream that owns the socket meets it again and knows what to do. */
size_t Write(int fd, uint32_t chosen, const std::vector<iovec>& messages) {
  iovec parts[kMaxMessages];
  size_t count = 0;
  size_t size = 0;
  for (size_t i = 0; i < messages.size(); i++) {
    if ((chosen >> i & 1) == 0) continue;
    parts[count++] = messages[i];
    size += messages[i].iov_len;
  }
  if (size == 0) return 0;
  ssize_t taken;
  do {
    taken = Send(fd, parts, count);
  } while (taken < 0 && errno == EINTR);
  return size - static_cast<size_t>(std::max<ssize_t>(taken, 0));
}

bool ReadMessages(napi_env env, napi_value list, std::vector<iovec>* out) {
  uint32_t length = 0;
  if (napi_get_array_length(env, list, &length) != napi_ok || length > kMaxMessages) {
    ThrowType(env, "an array of at most 31 Uint8Array is wanted");
    return false;
  }
  out->resize(length);
  for (uint32_t i = 0; i < length; i++) {
    napi_value item;
    Bytes bytes;
    if (napi_get_element(env, list, i, &item) != napi_ok || !GetBytes(env, item, &bytes)) return false;
    (*out)[i] = {bytes.data, bytes.size};
  }
  return true;
}

napi_value WriteTcp(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  std::vector<iovec> messages;
  int32_t* writes = nullptr;
  size_t length = 0;
  int64_t count = 0;
  if (!ReadMessages(env, args[0], &messages) || !GetInt32Array(env, args[1], &writes, &length) ||
      !GetInt(env, args[2], &count)) {
    return nullptr;
  }
  if (count < 0 || static_cast<uint64_t>(count) > length / kFieldsPerWrite) {
    Throw(env, "ERR_OUT_OF_RANGE", "there are fewer writes than said");
    return nullptr;
  }
  for (int32_t* write = writes; write < writes + count * kFieldsPerWrite; write += kFieldsPerWrite) {
    write[2] = static_cast<int32_t>(Write(write[0], static_cast<uint32_t>(write[1]), messages));
  }
  return nullptr;
}

}  // namespace

bool DefineTcpWrite(napi_env env, napi_value exports) {
  return DefineFunction(env, exports, "writeTcp", WriteTcp);
}

}  // namespace crosspoint
