#include "real_tokens.hpp"

#include <cstdio>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace bench {

RealTokens readRealTokens(const std::string& bundle, const std::string& tensor) {
  const std::string manifestFile = bundle + "/manifest.json", valuesFile = bundle + "/reference.f32";
  std::ifstream manifest(manifestFile);
  std::stringstream text;
  text << manifest.rdbuf();
  const std::string all = text.str();
  // {"name": "v64a5.visual", "shape": [12, 64, 16], "offset": 36904}
  const std::regex entry(
      "\"name\"\\s*:\\s*\"" + std::regex_replace(tensor, std::regex("\\."), "\\.") +
      "\"\\s*,\\s*\"shape\"\\s*:\\s*\\[\\s*(\\d+)\\s*,\\s*(\\d+)\\s*,\\s*(\\d+)\\s*\\]\\s*,"
      "\\s*\"offset\"\\s*:\\s*(\\d+)");
  std::smatch found;
  const auto at = all.find('"' + tensor + '"');
  const std::string near = at == std::string::npos ? "" : all.substr(at > 64 ? at - 64 : 0, 512);
  if (!std::regex_search(near, found, entry))
    throw std::runtime_error(manifestFile + ": tensor " + tensor +
                             " is not there; allowed: a name of reference.tensors");
  RealTokens real;
  real.tokens = std::stoi(found[2]);
  real.dimension = std::stoi(found[3]);
  real.matrices.assign(std::stoul(found[1]), std::vector<float>(static_cast<std::size_t>(real.tokens) *
                                                                static_cast<std::size_t>(real.dimension)));
  std::ifstream values(valuesFile, std::ios::binary);
  values.seekg(static_cast<std::streamoff>(std::stoull(found[4]) * sizeof(float)));
  for (auto& matrix : real.matrices)
    values.read(reinterpret_cast<char*>(matrix.data()),
                static_cast<std::streamsize>(matrix.size() * sizeof(float)));
  if (!values || real.matrices.empty())
    throw std::runtime_error(valuesFile + ": ends before tensor " + tensor + " does");
  return real;
}

} // namespace bench
