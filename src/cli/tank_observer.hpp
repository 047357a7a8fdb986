// A round's news on the terminal, and Ctrl-C as its way to stop.
#pragma once

#include <string>

#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "tank/observer.hpp"

namespace thresher::cli {

class TankObserver : public tank::Observer {
 public:
  explicit TankObserver(Progress& progress) : progress_(progress) {}
  void stage(const std::string& what) override { progress_.stage(what); }
  void update(std::int64_t done, std::int64_t total) override { progress_.update(done, total); }
  void note(const std::string& text) override { progress_.note(text); }
  void checkpoint() override { stop_if_interrupted(); }

 private:
  Progress& progress_;
};

}  // namespace thresher::cli
