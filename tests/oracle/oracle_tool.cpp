// Runs one conversion of src/format over standard input, for oracle_test.py to compare with an independent library.
//
//   oracle_tool encode e2m1|e4m3|fp16|bf16    float32 in; uint8 or uint16 codes out
//   oracle_tool decode e2m1|e4m3|fp16|bf16    uint8 or uint16 codes in; float32 out
//   oracle_tool quantize K                    float32 rows of K in; global scale (float32), scales, packed codes out
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "format/e2m1.hpp"
#include "format/e4m3.hpp"
#include "format/half.hpp"
#include "format/quantize.hpp"

namespace {

std::vector<char> read_all() {
  std::vector<char> bytes;
  char chunk[1 << 16];
  for (std::size_t got = 0; (got = std::fread(chunk, 1, sizeof chunk, stdin)) > 0;) {
    bytes.insert(bytes.end(), chunk, chunk + got);
  }
  return bytes;
}

template <typename T>
std::vector<T> read_values() {
  const std::vector<char> bytes = read_all();
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

template <typename T>
void write_values(const std::vector<T>& values) {
  if (!values.empty()) std::fwrite(values.data(), sizeof(T), values.size(), stdout);
}

template <typename In, typename Convert>
int convert_all(Convert convert) {
  std::vector<decltype(convert(In{}))> out;
  for (const In value : read_values<In>())
    out.push_back(convert(value));
  write_values(out);
  return 0;
}

int quantize_all(std::int64_t k) {
  const std::vector<float> values = read_values<float>();
  const auto rows = static_cast<std::int64_t>(values.size()) / k;
  const thresher::Nvfp4Matrix matrix = thresher::quantize(values, rows, k);
  write_values(std::vector<float>{matrix.global_scale});
  write_values(matrix.scales);
  write_values(matrix.codes);
  return 0;
}

int run(const std::string& verb, const std::string& what) {
  using namespace thresher;
  if (verb == "quantize") return quantize_all(std::stoll(what));
  const bool encode = verb == "encode";
  if (verb == "encode" || verb == "decode") {
    if (what == "e2m1") return encode ? convert_all<float>(e2m1_from_float) : convert_all<std::uint8_t>(e2m1_to_float);
    if (what == "e4m3") return encode ? convert_all<float>(e4m3_from_float) : convert_all<std::uint8_t>(e4m3_to_float);
    if (what == "fp16") return encode ? convert_all<float>(fp16_from_float) : convert_all<std::uint16_t>(fp16_to_float);
    if (what == "bf16") return encode ? convert_all<float>(bf16_from_float) : convert_all<std::uint16_t>(bf16_to_float);
  }
  std::fprintf(stderr, "oracle_tool: can't %s %s\n", verb.c_str(), what.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: oracle_tool encode|decode|quantize FORMAT|K\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oracle_tool: %s\n", error.what());
    return 1;
  }
}
