#include "module.h"

namespace crosspoint {

bool DefineFunction(napi_env env, napi_value exports, const char* name, napi_callback call) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, nullptr, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

}  // namespace crosspoint

NAPI_MODULE_INIT() {
  using namespace crosspoint;
  napi_set_instance_data(
      env, new Module(), [](napi_env, void* data, void*) { delete static_cast<Module*>(data); }, nullptr);
  bool defined = DefineCertificate(env, exports) && DefineDtls(env, exports) && DefineSrtp(env, exports);
#ifdef __linux__
  defined = defined && DefineUdp(env, exports) && DefineFanOut(env, exports) && DefineUdpPool(env, exports) &&
            DefinePacedSender(env, exports) && DefineTcpRead(env, exports) && DefineTcpWrite(env, exports);
#endif
  if (!defined) Throw(env, "ERR_INIT", "the addon could not define its classes");
  return exports;
}
