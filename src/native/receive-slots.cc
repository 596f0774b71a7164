#include "receive-slots.h"

#include <algorithm>

namespace crosspoint {

ReceiveSlots::ReceiveSlots(int capacity)
    : capacity(capacity), messages_(capacity), parts_(capacity), sources_(capacity), control_(capacity) {}

void ReceiveSlots::Attach(const BatchMemory& batch) {
  memory = batch;
  for (int i = 0; i < capacity; i++) {
    parts_[i] = {memory.slab + i * kSlotBytes, kSlotBytes};
    msghdr& header = messages_[i].msg_hdr;
    header.msg_name = &sources_[i];
    header.msg_iov = &parts_[i];
    header.msg_iovlen = 1;
    header.msg_control = control_[i].bytes;
  }
}

int ReceiveSlots::Read(int fd, int limit) {
  first_ = taken_;
  const int count = std::min(limit, free());
  for (int i = first_; i < first_ + count; i++) {
    messages_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    messages_[i].msg_hdr.msg_controllen = sizeof(Control);
  }
  const int taken = recvmmsg(fd, messages_.data() + first_, count, 0, nullptr);
  taken_ += std::max(taken, 0);
  return taken;
}

void ReceiveSlots::Keep(int index, int32_t from) {
  const int slot = first_ + index;
  memory.offsets[kept] = static_cast<int32_t>(slot * kSlotBytes);
  memory.lengths[kept] = static_cast<int32_t>(messages_[slot].msg_len);
  memory.from[kept++] = from;
}

}  // namespace crosspoint
