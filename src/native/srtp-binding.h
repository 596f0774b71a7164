// The SrtpContext class of JavaScript.
#pragma once
#include <memory>

#include "napi.h"
#include "srtp-session.h"

namespace crosspoint {

struct SrtpBinding : Wrapped {
  static constexpr Kind kKind = kSrtpKind;
  explicit SrtpBinding(std::shared_ptr<SrtpSession> session) : Wrapped(kKind), session(std::move(session)) {}
  /** Shared with the fan-out targets that send with it; empty once freed. */
  std::shared_ptr<SrtpSession> session;
};

}  // namespace crosspoint
