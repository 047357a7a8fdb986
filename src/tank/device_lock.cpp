// One process measures on a device at a time: two would each be the other's noise.
#include <algorithm>
#include <cctype>
#include <utility>

#include "tank/ledger.hpp"
#include "tank/ledger_lock.hpp"

namespace thresher::tank {
namespace {

// A device's name becomes part of a file's name.
std::string file_name(std::string device) {
  const auto is_odd = [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_' && c != '.'; };
  std::replace_if(device.begin(), device.end(), is_odd, '_');
  return "device-" + device + ".lock";
}

}  // namespace

std::optional<DeviceLock> DeviceLock::take(const std::filesystem::path& folder, const std::string& device,
                                           const std::string& what, bool wait, std::string* holder) {
  const int file = take_lock_file(folder / file_name(device), what, wait, holder);
  if (file < 0) {
    return std::nullopt;
  }
  return DeviceLock(file);
}

DeviceLock::DeviceLock(DeviceLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

DeviceLock& DeviceLock::operator=(DeviceLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

DeviceLock::~DeviceLock() {
  release_lock_file(file_, nullptr);
}

}  // namespace thresher::tank
