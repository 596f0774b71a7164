#include "paced-sender.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

namespace crosspoint {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/** What is due so soon leaves with what is due now: one waking for the packets of many streams. */
constexpr int64_t kGrainUs = 500;
constexpr int64_t kLateUs = 5000;
/** Packets sent between two looks at the queues. */
constexpr size_t kTake = 64;
constexpr size_t kSpare = 4096;
constexpr int64_t kNever = INT64_MAX;

int64_t NowUs() {
  return std::chrono::duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
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

}  // namespace

PacedSender::PacedSender() {
  taken_.reserve(kTake);
  thread_ = StartWithoutSignals([](void* self) { static_cast<PacedSender*>(self)->Run(); }, this);
}

int32_t PacedSender::Add(PacedTarget target, uint32_t maxPackets) {
  const std::lock_guard lock(mutex_);
  return streams_.Add({std::make_shared<const PacedTarget>(std::move(target)), {}, maxPackets});
}

bool PacedSender::Retarget(int32_t id, PacedTarget target) {
  const std::lock_guard lock(mutex_);
  Stream* stream = streams_.Find(id);
  if (stream == nullptr) return false;
  stream->target = std::make_shared<const PacedTarget>(std::move(target));
  return true;
}

PacedSender::PacketPointer PacedSender::NewPacket() {
  if (spare_.empty()) return std::make_unique<Packet>();
  PacketPointer packet = std::move(spare_.back());
  spare_.pop_back();
  return packet;
}

bool PacedSender::Queue(int32_t id, int64_t dueUs, const uint8_t* data, size_t size) {
  const std::lock_guard lock(mutex_);
  Stream* stream = streams_.Find(id);
  if (stream == nullptr || closing_) return false;
  if (stream->packets.size() >= stream->maxPackets) {
    counters_.refusedFull++;
    return false;
  }
  PacketPointer packet = NewPacket();
  packet->dueUs = stream->packets.empty() ? dueUs : std::max(dueUs, stream->packets.back()->dueUs);
  packet->target = stream->target;
  packet->bytes.assign(data, data + size);
  if (stream->packets.empty()) turns_.emplace(dueUs, id);
  stream->packets.push_back(std::move(packet));
  if (dueUs < wakeAtUs_) changed_.notify_one();
  return true;
}

uint32_t PacedSender::Drop(Stream& stream, int32_t id) {
  const auto count = static_cast<uint32_t>(stream.packets.size());
  if (count > 0) turns_.erase({stream.packets.front()->dueUs, id});
  stream.packets.clear();
  counters_.flushed += count;
  return count;
}

uint32_t PacedSender::Flush(int32_t id) {
  const std::lock_guard lock(mutex_);
  Stream* stream = streams_.Find(id);
  return stream == nullptr ? 0 : Drop(*stream, id);
}

uint32_t PacedSender::Queued(int32_t id) {
  const std::lock_guard lock(mutex_);
  const Stream* stream = streams_.Find(id);
  return stream == nullptr ? 0 : static_cast<uint32_t>(stream->packets.size());
}

void PacedSender::Remove(int32_t id) {
  const std::lock_guard lock(mutex_);
  Stream* stream = streams_.Find(id);
  if (stream == nullptr) return;
  Drop(*stream, id);
  streams_.Remove(id);
}

PacedCounters PacedSender::Counters() {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void PacedSender::Close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void PacedSender::Run() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    const int64_t now = NowUs();
    const int64_t first = turns_.empty() ? kNever : turns_.begin()->first;
    if (first > now) {
      wakeAtUs_ = first;
      if (first == kNever) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, steady_clock::time_point(microseconds(first)));
      }
      wakeAtUs_ = 0;
      continue;
    }
    TakeDue(now + kGrainUs);
    lock.unlock();
    SendTaken();
    lock.lock();
    CountTaken();
  }
}

void PacedSender::TakeDue(int64_t untilUs) {
  while (!turns_.empty() && turns_.begin()->first <= untilUs && taken_.size() < kTake) {
    const int32_t id = turns_.begin()->second;
    turns_.erase(turns_.begin());
    std::deque<PacketPointer>& packets = streams_.Find(id)->packets;
    taken_.push_back(std::move(packets.front()));
    packets.pop_front();
    if (!packets.empty()) turns_.emplace(packets.front()->dueUs, id);
  }
}

void PacedSender::SendTaken() {
  for (const PacketPointer& packet : taken_) {
    packet->sent = packet->target->socket->SendAside(packet->target->to, packet->bytes.data(), packet->bytes.size());
    packet->lateUs = NowUs() - packet->dueUs;
  }
}

void PacedSender::CountTaken() {
  for (PacketPointer& packet : taken_) {
    if (packet->sent) {
      counters_.sent++;
      counters_.lateness.Add(packet->lateUs);
      if (packet->lateUs > kLateUs) counters_.late++;
    } else {
      counters_.refusedByKernel++;
    }
    packet->target = nullptr;
    if (spare_.size() < kSpare) spare_.push_back(std::move(packet));
  }
  taken_.clear();
}

}  // namespace crosspoint
