// Messages between an arbiter and its workers: one JSON object and some file descriptors each.
//
// A SOCK_SEQPACKET socket keeps messages apart, so a worker that sends half of one, or two, can't shift what comes
// after it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "measure/shared_memory.hpp"

namespace thresher::measure {

struct Message {
  nlohmann::json content;
  std::vector<FileDescriptor> fds;
};

enum class ReceiveStatus {
  message,
  timeout,
  closed,   ///< the other end is gone
  garbled,  ///< no JSON object, or too large
};

struct Received {
  ReceiveStatus status = ReceiveStatus::closed;
  Message message;
};

class Channel {
 public:
  explicit Channel(FileDescriptor socket);

  /// Two ends of one connection; the second one is meant for another process. Throws Error(environment).
  static std::pair<Channel, FileDescriptor> make_pair();

  /// False when the other end is gone.
  bool send(const nlohmann::json& content, std::span<const int> fds = {});

  /// Waits at most `seconds`; nothing: for ever.
  Received receive(std::optional<double> seconds);

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

 private:
  FileDescriptor socket_;
  std::vector<char> buffer_;  // made once: receive() runs inside of what is timed
};

}  // namespace thresher::measure
