#include "udp-pool.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>

namespace crosspoint {

namespace {

/** Ids that nobody retained: a batch may hold kBatch of them, and a burst of new calls interns its own. */
constexpr uint32_t kTransientAddresses = 8192;
/** A stamp further back than this was taken before the system's time was set. */
constexpr double kOldestStampUs = 5e6;

double ReadClockUs(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace

UdpPool::UdpPool()
    : addresses(std::make_shared<AddressTable>(kTransientAddresses)), epollFd_(epoll_create1(EPOLL_CLOEXEC)) {}

int UdpPool::Open(const UdpOptions& options, int32_t* id) {
  auto socket = std::make_shared<UdpSocket>(addresses);
  const int error = socket->Open(options);
  if (error != 0) return error;
  *id = sockets_.Add(socket);
  if (*id < 0) return EMFILE;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = static_cast<uint32_t>(*id);
  if (epoll_ctl(epollFd_, EPOLL_CTL_ADD, socket->fd(), &event) == 0) return 0;
  const int refused = errno;
  sockets_.Remove(*id);
  return refused;
}

std::shared_ptr<UdpSocket> UdpPool::Find(int32_t id) {
  const auto* socket = sockets_.Find(id);
  return socket == nullptr ? nullptr : *socket;
}

UdpSocket* UdpPool::Borrow(int32_t id) {
  const auto* socket = sockets_.Find(id);
  return socket == nullptr ? nullptr : socket->get();
}

/** The paced sender may still hold the socket: closing the descriptor is what takes it out of the poll. */
bool UdpPool::CloseSocket(int32_t id) {
  const auto socket = Find(id);
  if (socket == nullptr) return false;
  socket->Close();
  closed_.Add(socket->counters);
  return sockets_.Remove(id);
}

void UdpPool::Close() {
  sockets_.ForEach([&](const std::shared_ptr<UdpSocket>& socket) {
    socket->Close();
    closed_.Add(socket->counters);
  });
  sockets_ = {};
  if (epollFd_ >= 0) close(epollFd_);
  epollFd_ = -1;
}

/** Sockets that were found readable are all read before they are asked for again: each gets its turn. */
bool UdpPool::Poll() {
  next_ = 0;
  polls_++;
  ready_ = std::max(epoll_wait(epollFd_, events_, kEvents, 0), 0);
  more_ = ready_ == kEvents;
  return ready_ > 0;
}

/** Most sockets hold one datagram, and to ask for a second costs half as much as the first. */
void UdpPool::ReceiveFrom(UdpSocket& socket, int32_t id, ReceiveSlots& slots, double stampOffsetUs) {
  const int before = slots.kept;
  const bool isBurst = socket.readAtPoll == polls_ - 1;
  const int limit = std::min(isBurst ? kShare : 1, slots.free());
  socket.readAtPoll = polls_;
  if (socket.Receive(slots, limit, stampOffsetUs) == limit) more_ = true;
  for (int i = before; i < slots.kept; i++) slots.memory.sockets[i] = id;
}

bool UdpPool::Receive(ReceiveSlots& slots, double clockOffsetUs) {
  slots.Clear();
  if (next_ == ready_ && !Poll()) return false;
  const double now = ReadClockUs(CLOCK_MONOTONIC);
  const double stampOffsetUs = now - ReadClockUs(CLOCK_REALTIME);
  while (next_ < ready_ && slots.free() > 0) {
    const auto id = static_cast<int32_t>(events_[next_++].data.u32);
    UdpSocket* socket = Borrow(id);
    if (socket != nullptr) ReceiveFrom(*socket, id, slots, stampOffsetUs);
  }
  for (int i = 0; i < slots.kept; i++) {
    double& arrived = slots.memory.arrivedUs[i];
    if (arrived > now || arrived < now - kOldestStampUs) arrived = now;
    arrived -= clockOffsetUs;
  }
  return next_ < ready_ || more_;
}

UdpCounters UdpPool::Counters() {
  UdpCounters total = closed_;
  sockets_.ForEach([&](const std::shared_ptr<UdpSocket>& socket) { total.Add(socket->counters); });
  return total;
}

}  // namespace crosspoint
