#include "paced-sender.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace crosspoint {

namespace {

/** What is due so soon leaves with what is due now: one waking for the packets of many streams. */
constexpr int64_t kGrainUs = 500;
constexpr int64_t kLateUs = 5000;

int64_t NowUs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

/** Signals are the main thread's: a new thread inherits the mask of the one that makes it. */
std::thread StartWithoutSignals(void (*run)(void*), void* data) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(run, data);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "paced-sender");
  return thread;
}

/** Of sched_setattr(2), which the C library has no declaration of. */
struct ScheduleAttributes {
  uint32_t size = sizeof(ScheduleAttributes);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtimeNs = 100'000;
  uint64_t deadlineNs = 0;
  uint64_t periodNs = 0;
};

/**
 * Where the system allows it (CAP_SYS_NICE, RLIMIT_RTPRIO), packets leave on time on a machine that is all busy.
 * Elsewhere a short time slice is asked for, which brings the thread its turn sooner (Linux 6.12 and later).
 */
void AskForPriority() {
  sched_param parameter{};
  parameter.sched_priority = 1;
  if (pthread_setschedparam(pthread_self(), SCHED_RR, &parameter) == 0) return;
  const ScheduleAttributes attributes;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

uint32_t PacedSender::Waiting::Flush() {
  uint64_t before = word;
  while (!word.compare_exchange_weak(before, static_cast<uint64_t>(FlushesOf(before) + 1) << 32)) {
  }
  return CountOf(before);
}

/** False when the packet was queued before a flush. */
bool PacedSender::Waiting::Claim(uint32_t flushes) {
  uint64_t before = word;
  do {
    if (FlushesOf(before) != flushes) return false;
  } while (!word.compare_exchange_weak(before, before - 1));
  return true;
}

PacedSender::PacedSender() {
  thread_ = StartWithoutSignals([](void* self) { static_cast<PacedSender*>(self)->Run(); }, this);
}

PacedSender::~PacedSender() {
  Close();
  HandOver<Packet>::DeleteAll(spare_);
  for (const Packet* packet : heap_) delete packet;
}

int32_t PacedSender::Add(PacedTarget target, uint32_t maxPackets) {
  return streams_.Add(
      {std::make_shared<const PacedTarget>(std::move(target)), std::make_shared<Waiting>(), maxPackets, INT64_MIN});
}

bool PacedSender::Retarget(int32_t id, PacedTarget target) {
  Stream* stream = streams_.Find(id);
  if (stream != nullptr) stream->target = std::make_shared<const PacedTarget>(std::move(target));
  return stream != nullptr;
}

PacedSender::Packet* PacedSender::NewPacket() {
  if (spare_ == nullptr) spare_ = used_.TakeAll();
  if (spare_ == nullptr) return new Packet();
  Packet* packet = spare_;
  spare_ = packet->next;
  return packet;
}

bool PacedSender::Queue(int32_t id, int64_t dueUs, const uint8_t* data, size_t size) {
  Stream* stream = streams_.Find(id);
  if (stream == nullptr || closing_) return false;
  if (Queued(id) >= stream->maxPackets) {
    counters.refusedFull++;
    return false;
  }
  stream->lastDueUs = std::max(dueUs, stream->lastDueUs);
  Packet* packet = NewPacket();
  packet->dueUs = stream->lastDueUs;
  packet->number = nextNumber_++;
  packet->flushes = Waiting::FlushesOf(stream->waiting->word);
  packet->waiting = stream->waiting;
  packet->target = stream->target;
  packet->bytes.assign(data, data + size);
  stream->waiting->word++;
  incoming_.Push(packet);
  if (stream->lastDueUs < wakeAtUs_) signal_.Raise();
  return true;
}

uint32_t PacedSender::Flush(int32_t id) {
  Stream* stream = streams_.Find(id);
  if (stream == nullptr) return 0;
  stream->lastDueUs = INT64_MIN;
  const uint32_t count = stream->waiting->Flush();
  counters.flushed += count;
  return count;
}

uint32_t PacedSender::Queued(int32_t id) {
  const Stream* stream = streams_.Find(id);
  return stream == nullptr ? 0 : Waiting::CountOf(stream->waiting->word);
}

void PacedSender::Remove(int32_t id) {
  Flush(id);
  streams_.Remove(id);
}

void PacedSender::Close() {
  closing_ = true;
  signal_.Raise();
  if (thread_.joinable()) thread_.join();
}

void PacedSender::Run() {
  AskForPriority();
  while (!closing_) {
    SleepUntilDue();
    SendDue(NowUs() + kGrainUs);
  }
}

bool PacedSender::IsLater(const Packet* a, const Packet* b) {
  return a->dueUs != b->dueUs ? a->dueUs > b->dueUs : a->number > b->number;
}

void PacedSender::TakeIncoming() {
  for (Packet* packet = incoming_.TakeAll(); packet != nullptr; packet = packet->next) {
    heap_.push_back(packet);
    std::push_heap(heap_.begin(), heap_.end(), IsLater);
  }
}

/** Whoever queues looks at `wakeAtUs_` after the push, and we at the queue after setting it: one of us sees it. */
void PacedSender::SleepUntilDue() {
  while (!closing_) {
    const uint32_t seen = signal_.seen();
    TakeIncoming();
    const int64_t firstUs = heap_.empty() ? WakeSignal::kNeverUs : heap_.front()->dueUs;
    if (firstUs <= NowUs()) return;
    wakeAtUs_ = firstUs;
    if (incoming_.empty() && !closing_) signal_.SleepUntil(seen, firstUs);
    wakeAtUs_ = INT64_MIN;
  }
}

void PacedSender::SendDue(int64_t untilUs) {
  while (!closing_ && !heap_.empty() && heap_.front()->dueUs <= untilUs) {
    std::pop_heap(heap_.begin(), heap_.end(), IsLater);
    Packet* packet = heap_.back();
    heap_.pop_back();
    if (packet->waiting->Claim(packet->flushes)) SendOne(*packet);
    packet->target = nullptr;
    used_.Push(packet);
  }
}

void PacedSender::SendOne(Packet& packet) {
  if (!packet.target->socket->SendAside(packet.target->to, packet.bytes.data(), packet.bytes.size())) {
    counters.refusedByKernel++;
    return;
  }
  const int64_t lateUs = NowUs() - packet.dueUs;
  counters.sent++;
  counters.lateness.Add(lateUs);
  if (lateUs > kLateUs) counters.late++;
}

}  // namespace crosspoint
