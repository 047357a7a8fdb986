// The right to measure on this machine.
#include "cli/device_lock.hpp"

#include <fmt/format.h>

#include <optional>

#include "device/environment.hpp"
#include "measure/ceilings_store.hpp"
#include "thresher/error.hpp"

namespace thresher::cli {

tank::DeviceLock lock_device(const std::string& what, bool wait, Progress& progress) {
  const std::filesystem::path folder = measure::cache_folder(device::read_environment());
  std::string holder;
  std::optional<tank::DeviceLock> lock = tank::DeviceLock::take(folder, "cpu", what, false, &holder);
  if (lock) return std::move(*lock);
  if (!wait) {
    throw Error(
        ErrorCode::environment,
        fmt::format("this machine is measuring already ({}); wait for it to end, or leave --no-wait out to queue",
                    holder));
  }
  progress.note(fmt::format("waiting: this machine is measuring already ({}); Ctrl-C twice to give up", holder));
  return std::move(*tank::DeviceLock::take(folder, "cpu", what, true, &holder));
}

}  // namespace thresher::cli
