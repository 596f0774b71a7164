// What the addon keeps per JavaScript environment (main thread or worker).
#pragma once
#include <memory>
#include <vector>

#include "dtls-context.h"
#include "napi.h"

namespace crosspoint {

struct Module {
  napi_ref classes[kKindCount] = {};
  DtlsContexts dtlsContexts;

  static Module* Of(napi_env env) {
    void* data = nullptr;
    napi_get_instance_data(env, &data);
    return static_cast<Module*>(data);
  }
};

bool DefineUdp(napi_env env, napi_value exports);
bool DefineCertificate(napi_env env, napi_value exports);
bool DefineDtls(napi_env env, napi_value exports);
bool DefineSrtp(napi_env env, napi_value exports);
bool DefineFanOut(napi_env env, napi_value exports);
bool DefineUdpPool(napi_env env, napi_value exports);
bool DefinePacedSender(napi_env env, napi_value exports);
bool DefineTcpRead(napi_env env, napi_value exports);
bool DefineTcpWrite(napi_env env, napi_value exports);

/** Adds a plain function to the exports. */
bool DefineFunction(napi_env env, napi_value exports, const char* name, napi_callback call);

}  // namespace crosspoint
