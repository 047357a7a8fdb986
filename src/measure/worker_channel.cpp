// sendmsg() and recvmsg() with SCM_RIGHTS.
#include "measure/worker_channel.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <string>

#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

// The weights' global scales of thousands of groups fit; a worker that floods the arbiter does not.
constexpr std::size_t kMostBytes = 1 << 17;
constexpr std::size_t kMostFds = 8;

// False when time is up.
bool wait_readable(int fd, std::optional<double> seconds) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  for (;;) {
    int milliseconds = -1;
    if (seconds) {
      const double left = *seconds - std::chrono::duration<double>(Clock::now() - start).count();
      // Rounded up, so that the last millisecond is not a busy loop.
      milliseconds = left <= 0 ? 0 : static_cast<int>(std::ceil(std::min(left, 1e6) * 1e3));
    }
    pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&one, 1, milliseconds);
    if (ready > 0) return true;
    if (ready == 0 && milliseconds == 0) return false;
    if (ready < 0 && errno != EINTR) return true;  // recvmsg() will say what is wrong
  }
}

}  // namespace

Channel::Channel(FileDescriptor socket) : socket_(std::move(socket)), buffer_(kMostBytes) {}

std::pair<Channel, FileDescriptor> Channel::make_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(ErrorCode::environment, std::string("cannot make a pair of sockets: ") + std::strerror(errno) +
                                            "; close files or raise 'ulimit -n'");
  }
  const int size = static_cast<int>(2 * kMostBytes);
  for (const int end : ends)
    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  return {Channel(FileDescriptor(ends[0])), FileDescriptor(ends[1])};
}

bool Channel::send(const nlohmann::json& content, std::span<const int> fds) {
  std::string text = content.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMostBytes || fds.size() > kMostFds) {
    throw Error(ErrorCode::internal, "a message of " + std::to_string(text.size()) + " bytes is too large to send");
  }
  iovec part{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFds * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  for (;;) {
    if (sendmsg(socket_.get(), &header, MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

Received Channel::receive(std::optional<double> seconds) {
  Received received;
  if (!wait_readable(socket_.get(), seconds)) {
    received.status = ReceiveStatus::timeout;
    return received;
  }
  iovec part{.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFds * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  for (cmsghdr* next = got >= 0 ? CMSG_FIRSTHDR(&header) : nullptr; next != nullptr;
       next = CMSG_NXTHDR(&header, next)) {
    if (next->cmsg_level != SOL_SOCKET || next->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; at + sizeof(int) <= next->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(next) + at, sizeof(int));
      received.message.fds.emplace_back(fd);
    }
  }
  if (got <= 0) return received;
  received.status = ReceiveStatus::garbled;
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return received;
  received.message.content = nlohmann::json::parse(buffer_.data(), buffer_.data() + got, nullptr, false);
  if (received.message.content.is_object()) received.status = ReceiveStatus::message;
  return received;
}

}  // namespace thresher::measure
