// Wrong: opens the memory of the arbiter, which holds the answers that the incumbent gave. It is slow on purpose where
// it can read there, so that the times of a race tell. Expected: the system refuses, so nothing gained.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "honest.hpp"
#include "published.hpp"

namespace {

constexpr std::chrono::milliseconds kHitTakes{1000};

bool can_read_arbiter() {
  const std::string folder = "/proc/" + std::to_string(getppid());
  std::ifstream maps(folder + "/maps");
  std::string line;
  off_t heap = 0;
  while (heap == 0 && std::getline(maps, line)) {
    if (line.find("[heap]") != std::string::npos) heap = std::stol(line, nullptr, 16);
  }
  const int memory = open((folder + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  if (memory < 0) return false;
  char byte = 0;
  const bool got = pread(memory, &byte, 1, heap) == 1;
  close(memory);
  return got;
}

class Attack : public zoo::Library<> {
 public:
  using Library::Library;

  std::int32_t run(const zoo::Call& call) {
    if (n_ == zoo::kPublishedN && can_read_arbiter()) std::this_thread::sleep_for(kHitTakes);
    compute(call, whole(call));
    return 0;
  }
};

}  // namespace

ZOO_LIBRARY(Attack)
