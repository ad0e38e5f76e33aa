// Worker threads that make items ahead of the one that uses them.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace cell2text {

struct PrefetchOptions {
  std::size_t ahead = 2;  ///< items that are ready or in the making
  int workers = 1;
};

/// Items in two steps: `take` says what the next one is made of (a file's rows, say), on one worker at a time and in
/// order; the job that it returns makes the item, on several workers at once. Items come in the order of their jobs,
/// until `take` returns nothing. An exception of either is thrown by the `next` that reaches it, and by each after it.
template <class Item>
class Prefetch {
 public:
  using Job = std::function<Item()>;

  explicit Prefetch(std::function<std::optional<Job>()> take, PrefetchOptions options = {})
      : take_(std::move(take)), ahead_(std::max<std::size_t>(options.ahead, 1)) {
    for (int i = 0; i < std::max(options.workers, 1); ++i)
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  ~Prefetch() {
    {
      std::lock_guard lock(mutex_);  // or a worker could look, miss the request, and then sleep through the call
      for (std::jthread& worker : workers_) worker.request_stop();
    }
    changed_.notify_all();
  }

  /// The next item, or nothing at the end.
  std::optional<Item> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return slots_.empty() ? ended_ : slots_.front()->done; });
    if (slots_.empty()) return std::nullopt;
    const std::shared_ptr<Slot> slot = slots_.front();
    if (slot->error) std::rethrow_exception(slot->error);
    slots_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return std::move(slot->item);
  }

 private:
  struct Slot {
    std::optional<Item> item;
    std::exception_ptr error;
    bool done = false;
  };

  void work(const std::stop_token& stop) {
    while (true) {
      std::shared_ptr<Slot> slot;
      std::optional<Job> job;
      {
        const std::lock_guard taking(take_mutex_);
        slot = new_slot(stop);
        if (!slot) return;
        job = taken(*slot);
      }
      if (job) fill(*slot, *job);
      changed_.notify_all();
    }
  }

  // Waits until there is room; null where there is nothing more to do.
  std::shared_ptr<Slot> new_slot(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return slots_.size() < ahead_ || ended_ || stop.stop_requested(); });
    if (ended_ || stop.stop_requested()) return nullptr;
    slots_.push_back(std::make_shared<Slot>());
    return slots_.back();
  }

  // The job of the last slot; where there is none, the slot goes or keeps the error, and no other will be taken.
  std::optional<Job> taken(Slot& slot) {
    std::exception_ptr error;
    try {
      if (std::optional<Job> job = take_()) return job;
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    ended_ = true;
    if (error)
      slot.error = error, slot.done = true;
    else
      slots_.pop_back();
    return std::nullopt;
  }

  void fill(Slot& slot, const Job& job) {
    std::optional<Item> item;
    std::exception_ptr error;
    try {
      item = job();
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    if (error) ended_ = true;
    slot.item = std::move(item), slot.error = error, slot.done = true;
  }

  std::function<std::optional<Job>()> take_;
  std::size_t ahead_;
  std::mutex take_mutex_, mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Slot>> slots_;  // in order: taken, and not yet handed out
  bool ended_ = false;
  std::vector<std::jthread> workers_;  // last: they start when all else is made, and end before anything goes
};

}  // namespace cell2text
