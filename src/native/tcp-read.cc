// Reads of one TCP socket past the stream that owns it: into one buffer that is used again, without a stream's steps.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "module.h"
#include "poll-source.h"

namespace crosspoint {

namespace {

/** What one socket may read before the others get their turn. */
constexpr int kReadsPerTurn = 4;

class TcpReader : public PollSource {
 public:
  static constexpr Kind kKind = kTcpReaderKind;

  /** The event loop polls the stream's descriptor by itself, so that this is a second one of the same socket. */
  TcpReader(napi_env env, int fd) : PollSource(env, kKind), fd_(fcntl(fd, F_DUPFD_CLOEXEC, 0)) {}
  ~TcpReader() override { Close(); }

  bool Open(napi_value self, napi_value buffer, napi_value listener) {
    return fd_ >= 0 && TryGetBytes(env, buffer, &buffer_) && Hold(self) &&
           napi_create_reference(env, buffer, 1, &bufferReference_) == napi_ok && Listen(listener);
  }

  void ReadTurn() override {
    for (int i = 0; i < kReadsPerTurn && listening(); i++) {
      const ssize_t taken = recv(fd_, buffer_.data, buffer_.size, MSG_DONTWAIT);
      if (taken < 0 && (errno == EAGAIN || errno == EINTR)) return;
      napi_handle_scope scope;
      napi_open_handle_scope(env, &scope);
      if (taken <= 0) Pause();
      Call(Number(env, taken > 0 ? static_cast<double>(taken) : 0));
      napi_close_handle_scope(env, scope);
      if (taken < static_cast<ssize_t>(buffer_.size)) return;
    }
  }

  void Close() override {
    StopListening();
    DeleteReference(env, &bufferReference_);
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 protected:
  int PolledFd() const override { return fd_; }

 private:
  int fd_;
  Bytes buffer_;
  napi_ref bufferReference_ = nullptr;
};

template <auto Act>
napi_value Do(napi_env env, napi_callback_info info) {
  auto* reader = Unwrap<TcpReader>(env, Args<0>(env, info).self);
  if (reader != nullptr) (reader->*Act)();
  return nullptr;
}

napi_value ReadTcp(napi_env env, napi_callback_info info) {
  Args<3> args(env, info);
  int64_t fd = -1;
  if (!GetInt(env, args[0], &fd)) return nullptr;
  auto* reader = new TcpReader(env, static_cast<int>(fd));
  napi_value object = New(env, reader);
  if (object == nullptr || reader->Open(object, args[1], args[2])) return object;
  reader->Close();
  Throw(env, "ERR_DESCRIPTOR", "the descriptor " + std::to_string(fd) + " cannot be read by the event loop");
  return nullptr;
}

}  // namespace

bool DefineTcpRead(napi_env env, napi_value exports) {
  const Method methods[] = {
      {"pause", Do<&TcpReader::Pause>},
      {"resume", Do<&TcpReader::Resume>},
      {"close", Do<&TcpReader::Close>},
  };
  return DefineClass(env, kTcpReaderKind, "TcpReader", methods, std::size(methods)) &&
         DefineFunction(env, exports, "readTcp", ReadTcp);
}

}  // namespace crosspoint
