// Messages that many TCP sockets share, written to all of them in one call from JavaScript.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "module.h"
#include "shared-pages.h"

namespace crosspoint {

namespace {

/** One bit of a positive Int32 for each. */
constexpr uint32_t kMaxMessages = 31;
constexpr size_t kFieldsPerWrite = 3;
/** From here on a reference costs less than a copy. */
constexpr size_t kLarge = 16 << 10;
/** So many copies less are worth the pages. */
constexpr size_t kMany = 64;

ssize_t Send(int fd, iovec* parts, size_t count) {
  constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
  if (count == 1) return send(fd, parts->iov_base, parts->iov_len, flags);
  msghdr header{};
  header.msg_iov = parts;
  header.msg_iovlen = count;
  return sendmsg(fd, &header, flags);
}

template <class Call>
ssize_t Retry(Call call) {
  ssize_t taken;
  do {
    taken = call();
  } while (taken < 0 && errno == EINTR);
  return taken;
}

/** Messages next to each other. */
struct Run {
  size_t from;
  size_t size;
};

/** Messages, one behind the other, of which each socket gets some. */
class Batch {
 public:
  explicit Batch(const std::vector<iovec>& messages) : messages_(messages) {
    for (size_t i = 0; i < messages.size(); i++) begins_[i + 1] = begins_[i] + messages[i].iov_len;
  }

  void Write(int32_t* writes, int64_t count) const {
    const int32_t* end = writes + count * kFieldsPerWrite;
    std::optional<SharedPages> pages;
    if (IsWorthSharing(writes, end)) pages.emplace(messages_);
    const SharedPages* shared = pages && pages->ok() ? &*pages : nullptr;
    for (; writes < end; writes += kFieldsPerWrite) {
      const uint32_t chosen = Present(writes[1]);
      const Run run = RunOf(chosen);
      const bool shares = shared != nullptr && run.size >= kLarge;
      writes[2] = static_cast<int32_t>(shares ? Share(*shared, writes[0], run, chosen) : Copy(writes[0], chosen));
    }
  }

 private:
  uint32_t Present(int32_t chosen) const {
    return static_cast<uint32_t>(chosen) & ((1u << messages_.size()) - 1);
  }

  /** Nothing where there is a gap between the messages. */
  Run RunOf(uint32_t chosen) const {
    if (chosen == 0) return {0, 0};
    const int first = __builtin_ctz(chosen);
    const uint32_t run = chosen >> first;
    if ((run & (run + 1)) != 0) return {0, 0};
    const int behind = first + __builtin_popcount(run);
    return {begins_[first], begins_[behind] - begins_[first]};
  }

  bool IsWorthSharing(const int32_t* write, const int32_t* end) const {
    const size_t all = begins_[messages_.size()];
    if (all < kLarge) return false;
    size_t shared = 0;
    for (; write < end && shared < kMany * all; write += kFieldsPerWrite) {
      const size_t size = RunOf(Present(write[1])).size;
      if (size >= kLarge) shared += size;
    }
    return shared >= kMany * all;
  }

  /** Bytes left over. An error leaves all: the stream that owns the socket meets it again and knows what to do. */
  static size_t LeftOf(size_t size, ssize_t taken) {
    return size - static_cast<size_t>(std::max<ssize_t>(taken, 0));
  }

  /** By reference; where that cannot be done, and not because the socket is full, as a copy. */
  size_t Share(const SharedPages& pages, int fd, Run run, uint32_t chosen) const {
    const ssize_t taken = Retry([&] { return pages.Send(fd, run.from, run.size); });
    return taken < 0 && errno != EAGAIN ? Copy(fd, chosen) : LeftOf(run.size, taken);
  }

  size_t Copy(int fd, uint32_t chosen) const {
    iovec parts[kMaxMessages];
    size_t count = 0;
    size_t size = 0;
    for (; chosen != 0; chosen &= chosen - 1) {
      parts[count] = messages_[__builtin_ctz(chosen)];
      size += parts[count++].iov_len;
    }
    if (size == 0) return 0;
    return LeftOf(size, Retry([&] { return Send(fd, parts, count); }));
  }

  const std::vector<iovec>& messages_;
  size_t begins_[kMaxMessages + 1] = {};
};

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
  Batch(messages).Write(writes, count);
  return nullptr;
}

}  // namespace

bool DefineTcpWrite(napi_env env, napi_value exports) {
  return DefineFunction(env, exports, "writeTcp", WriteTcp);
}

}  // namespace crosspoint
