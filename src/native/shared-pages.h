// Bytes for many sockets, in memory that the kernel sends by reference instead of copying it for each of them.
#pragma once
#include <sys/types.h>
#include <sys/uio.h>

#include <vector>

namespace crosspoint {

/** What was sent stays as it is when this has gone: the pages live until the last socket has let go of them. */
class SharedPages {
 public:
  explicit SharedPages(const std::vector<iovec>& parts);
  ~SharedPages();
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;

  /** false: this system does not offer it. */
  bool ok() const { return file_ >= 0; }
  /** As send(2). */
  ssize_t Send(int socket, size_t from, size_t size) const;

 private:
  int file_;
};

}  // namespace crosspoint
