// The serving loop.
#include "measure/worker.hpp"

#include <unistd.h>

#include <exception>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "measure/worker_channel.hpp"
#include "measure/worker_sandbox.hpp"
#include "measure/worker_slot.hpp"
#include "thresher/error.hpp"

namespace thresher::measure {
namespace {

using nlohmann::json;

class Worker {
 public:
  explicit Worker(int socket) : channel_(FileDescriptor(socket)) {}

  /// True: go on.
  bool serve_one() {
    const Received received = channel_.receive(std::nullopt);
    if (received.status != ReceiveStatus::message) return false;
    const json& content = received.message.content;
    if (content.value("do", "") == "quit") return false;
    return channel_.send(answer(content, received.message));
  }

  [[nodiscard]] bool has_library() const { return library_ != nullptr; }

 private:
  json answer(const json& content, const Message& message) {
    try {
      return act(content, message);
    } catch (const std::bad_alloc&) {
      return {{"ok", false}, {"error", "out of memory"}};
    } catch (const std::exception& error) {
      return {{"ok", false}, {"error", error.what()}};
    } catch (...) {
      // A library may throw anything.
      return {{"ok", false}, {"error", "threw something that is no std::exception"}};
    }
  }

  json act(const json& content, const Message& message) {
    const std::string what = content.at("do").get<std::string>();
    if (what == "run") return run(content);
    if (what == "load") return load(content);
    if (what == "prepare") return prepare(content, message);
    if (what == "configure") return configure(content);
    if (what == "release") {
      slots_.erase(content.at("slot").get<int>());
      return {{"ok", true}};
    }
    throw Error(ErrorCode::parse, "a worker does not know '" + what + "'");
  }

  json load(const json& content) {
    candidate_ = candidate_from_json(content.at("candidate"));
    if (candidate_.kind == CandidateKind::config) return {{"ok", true}, {"name", candidate_.name}, {"gap", ""}};
    const std::string gap = enter_sandbox();
    library_ = std::make_unique<CandidateLibrary>(candidate_.library);
    return {{"ok", true}, {"name", library_->name()}, {"gap", gap}};
  }

  json prepare(const json& content, const Message& message) {
    const PrepareRequest request = prepare_from_json(content);
    if (message.fds.size() != 3) {
      throw Error(ErrorCode::parse, "prepare needs 3 descriptors, not " + std::to_string(message.fds.size()));
    }
    const int weights = message.fds[0].get();
    const int inputs = message.fds[1].get();
    const int outputs = message.fds[2].get();
    slots_[request.slot] = library_ ? make_library_slot(*library_, request, weights, inputs, outputs)
                                    : make_config_slot(candidate_.config, request, weights, inputs, outputs);
    return {{"ok", true}};
  }

  json configure(const json& content) {
    const Candidate next = candidate_from_json(content.at("candidate"));
    try {
      for (const auto& [number, slot] : slots_)
        slot->configure(next.config);
    } catch (const Error&) {
      for (const auto& [number, slot] : slots_)
        slot->configure(candidate_.config);
      throw;
    }
    candidate_ = next;
    return {{"ok", true}};
  }

  json run(const json& content) {
    const RunRequest call = run_from_json(content);
    const auto slot = slots_.find(call.slot);
    if (slot == slots_.end()) {
      throw Error(ErrorCode::parse, "slot " + std::to_string(call.slot) + " was never prepared");
    }
    const std::optional<CallReport> report = slot->second->run(call);
    json reply = {{"ok", true}};
    if (report) reply["report"] = to_json(*report);
    return reply;
  }

  Channel channel_;
  Candidate candidate_;
  std::unique_ptr<CandidateLibrary> library_;
  std::map<int, std::unique_ptr<Slot>> slots_;
};

}  // namespace

int worker_main(int argc, const char* const* argv) {
  constexpr int kUsage = 2;
  if (argc != 4 || std::string_view(argv[2]) != "--socket" || argv[3] != std::to_string(kWorkerSocket)) return kUsage;
  become_worker(kWorkerSocket);
  Worker worker(kWorkerSocket);
  while (worker.serve_one()) {
  }
  // A library's threads and destructors could hang or crash an ordinary exit.
  if (worker.has_library()) _exit(0);
  return 0;
}

}  // namespace thresher::measure
