#include "shared-pages.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

namespace crosspoint {

namespace {

size_t SizeOf(const std::vector<iovec>& parts) {
  size_t size = 0;
  for (const iovec& part : parts) size += part.iov_len;
  return size;
}

}  // namespace

SharedPages::SharedPages(const std::vector<iovec>& parts) : file_(memfd_create("crosspoint", MFD_CLOEXEC)) {
  if (file_ < 0) return;
  const ssize_t written = writev(file_, parts.data(), static_cast<int>(parts.size()));
  if (written >= 0 && static_cast<size_t>(written) == SizeOf(parts)) return;
  close(file_);
  file_ = -1;
}

SharedPages::~SharedPages() {
  if (file_ >= 0) close(file_);
}

ssize_t SharedPages::Send(int socket, size_t from, size_t size) const {
  off_t at = static_cast<off_t>(from);
  return sendfile(socket, file_, &at, size);
}

}  // namespace crosspoint
