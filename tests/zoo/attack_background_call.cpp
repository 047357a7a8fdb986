// Wrong: hands every call to a thread of its own and returns at once, hoping that the output is looked at later.
// Expected: check, the output is read when the call has returned.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "honest.hpp"

namespace {

class Attack : public zoo::Library<> {
 public:
  explicit Attack(const thresher_candidate_problem& problem) : Library(problem), worker_([this] { serve(); }) {}

  ~Attack() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    worker_.join();
  }
  Attack(const Attack&) = delete;
  Attack& operator=(const Attack&) = delete;

  std::int32_t run(const zoo::Call& call) {
    {
      const std::lock_guard lock(mutex_);
      call_ = call;
      waiting_ = true;
    }
    changed_.notify_one();
    return 0;
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return waiting_ || over_; });
      if (over_) return;
      waiting_ = false;
      const zoo::Call call = call_;
      lock.unlock();
      compute(call, whole(call));
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  zoo::Call call_ = {};
  bool waiting_ = false;
  bool over_ = false;
  std::thread worker_;  // last: it uses everything above
};

}  // namespace

ZOO_LIBRARY(Attack)
