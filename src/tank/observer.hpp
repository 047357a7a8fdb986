// Who watches a round: the library never prints, it tells.
#pragma once

#include <cstdint>
#include <string>

namespace thresher::tank {

/// Every function may throw to stop the round at a safe point; what was measured is in the ledger by then.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void stage(const std::string& what) = 0;
  virtual void update(std::int64_t done, std::int64_t total) = 0;
  virtual void note(const std::string& text) = 0;
  virtual void checkpoint() = 0;  // before each timed call
};

}  // namespace thresher::tank
