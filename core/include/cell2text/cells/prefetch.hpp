// One worker thread that makes items ahead of the one that uses them.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace cell2text {

/// Calls `produce` on its own thread until it returns nothing, keeping up to `ahead` items ready.
/// Items come in order; an exception of `produce` is thrown by the `next` that reaches it.
template <class Item>
class Prefetch {
 public:
  explicit Prefetch(std::function<std::optional<Item>()> produce, std::size_t ahead = 2)
      : ahead_(ahead), worker_([this, produce = std::move(produce)](std::stop_token stop) { work(produce, stop); }) {}
  ~Prefetch() {
    {
      std::lock_guard lock(mutex_);  // or the worker could look, miss the request, and then sleep through the call
      worker_.request_stop();
    }
    changed_.notify_all();
  }

  /// The next item, or nothing at the end.
  std::optional<Item> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || ended_; });
    if (!ready_.empty()) {
      Item item = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      changed_.notify_all();
      return item;
    }
    if (error_) std::rethrow_exception(error_);
    return std::nullopt;
  }

 private:
  void work(const std::function<std::optional<Item>()>& produce, const std::stop_token& stop) {
    try {
      while (!stop.stop_requested()) {
        std::optional<Item> item = produce();
        std::unique_lock lock(mutex_);
        if (!item) break;
        changed_.wait(lock, [&] { return ready_.size() < ahead_ || stop.stop_requested(); });
        ready_.push_back(std::move(*item));
        lock.unlock();
        changed_.notify_all();
      }
    } catch (...) {
      std::lock_guard lock(mutex_);
      error_ = std::current_exception();
    }
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
  }

  std::size_t ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> ready_;
  std::exception_ptr error_;
  bool ended_ = false;
  std::jthread worker_;  // last: starts when all else is made, joins before anything goes
};

}  // namespace cell2text
