// The simulated air's control face for JavaScript: {configure, serials, setPath, beginTrial, grantUntilNs,
// endTrial, currentTimeNs, silence, linkTruth, burstTruth}.
#pragma once

#include <napi.h>

namespace otabench::addon {

Napi::Object medium_functions(Napi::Env env);

} // namespace otabench::addon
