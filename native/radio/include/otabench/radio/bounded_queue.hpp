// A queue with a limit, for handing work between two threads. A full queue refuses; it never grows and never
// waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace otabench::radio {

template <typename Item> class BoundedQueue {
public:
  explicit BoundedQueue(std::size_t limit) : limit_(limit) {}

  // False when the queue is full or closed; the item is then untouched.
  bool try_push(Item&& item) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (closed_ || items_.size() >= limit_)
        return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  // Waits up to `timeout`; empty when nothing came, when the queue is closed and drained, or after wake().
  template <typename Period> std::optional<Item> pop(Period timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    ready_.wait_for(lock, timeout, [this] { return !items_.empty() || closed_ || woken_; });
    woken_ = false;
    if (items_.empty())
      return std::nullopt;
    Item item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  // Everything that is queued, oldest first.
  std::vector<Item> drain() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Item> items(std::make_move_iterator(items_.begin()), std::make_move_iterator(items_.end()));
    items_.clear();
    return items;
  }

  // Makes a waiting pop() return, so that its thread looks at its flags.
  void wake() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      woken_ = true;
    }
    ready_.notify_all();
  }

  void close() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  bool closed() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return closed_;
  }

  std::size_t size() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return items_.size();
  }

private:
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Item> items_;
  bool closed_ = false;
  bool woken_ = false;
};

} // namespace otabench::radio
