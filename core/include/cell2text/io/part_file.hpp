// What a long job has finished, beside its output: a JSON line a step, so that a job that was killed goes on after the
// last one. What the steps are is the caller's.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "cell2text/error.hpp"
#include "cell2text/io/json_lines.hpp"

namespace cell2text {

/// OUTPUT.cell2text-part. Goes with the object where no step was finished; else it stays until `remove()`.
class PartFile {
 public:
  /// Begins the file, or goes on with that of the same job. `job` is an object of all that the steps depend on;
  /// `machine` is kept beside it and may differ. A step that was half written is left out.
  /// InputError: the file is of another job (what differs is told), is none of ours, or is held by another process;
  /// errors of JsonLinesWriter.
  PartFile(const std::filesystem::path& output, const nlohmann::json& job, const nlohmann::json& machine)
      : path_(output.string() + ".cell2text-part"),
        hold_(hold(path_)),
        writer_(path_, JsonLinesWriter::Mode::append),
        machine_(machine) {
    writer_.flush();
    JsonLinesReader reader(path_);
    if (const auto head = reader.next()) {
      while (reader.next()) ++steps_;
      found_ = steps_;
      expect_same(*head, job);
      machine_ = head->value("machine", nlohmann::json());
      return;
    }
    try {
      write({{"cell2text_part", format}, {"job", job}, {"machine", machine}});
    } catch (...) {
      remove();
      throw;
    }
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  ~PartFile() {
    if (steps_ == 0) remove();
  }

  const std::filesystem::path& path() const { return path_; }
  std::int64_t steps() const { return steps_; }
  /// Of these, the steps that were there at the beginning.
  std::int64_t found() const { return found_; }
  /// The machine that the job was begun on.
  const nlohmann::json& machine() const { return machine_; }

  /// Adds a step and brings it to the disk. Errors of JsonLinesWriter.
  void add(const nlohmann::json& step) {
    write(step);
    ++steps_;
  }
  /// Calls `visit` for each step in order; one is in memory at a time.
  void each(const std::function<void(const nlohmann::json&)>& visit) const {
    JsonLinesReader reader(path_);
    reader.next();
    while (const auto step = reader.next()) visit(*step);
  }
  void remove() noexcept { ::unlink(path_.c_str()); }

 private:
  static constexpr int format = 1;

  /// Errors of opening are JsonLinesWriter's to tell.
  static std::shared_ptr<const int> hold(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return nullptr;
    std::shared_ptr<const int> held(new int(file), [](const int* one) { ::close(*one), delete one; });
    if (::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw InputError("another process is at work on what " + path.string() +
                       " is a part of; wait for it, or choose another output");
    return held;  // a disk that knows no locks is believed
  }

  void write(const nlohmann::json& line) {
    writer_.write(line);
    writer_.flush();
    if (hold_) ::fdatasync(*hold_);
  }

  void expect_same(const nlohmann::json& head, const nlohmann::json& job) {
    const std::string way_out = "; run the command of then, or delete the file to start anew";
    if (!head.is_object() || head.value("cell2text_part", nlohmann::json()) != format || !head.contains("job"))
      throw InputError(path_.string() + ": holds no part of a job that this version could go on with" + way_out);
    if (head["job"] == job) return;
    const nlohmann::json before = head["job"].flatten(), now = job.flatten();
    for (const nlohmann::json* some : {&before, &now})
      for (const auto& [key, value] : some->items()) {
        const auto text = [&](const nlohmann::json& all) {
          return all.contains(key) ? json_detail::shortened(all[key]) : std::string("not set");
        };
        if (before.contains(key) && now.contains(key) && before[key] == now[key]) continue;
        throw InputError(path_.string() + ": " + std::to_string(steps_) +
                         " finished steps of another job are in it, whose '" + key.substr(1) + "' is " + text(before) +
                         "; now it is " + text(now) + way_out);
      }
    throw InputError(path_.string() + ": is of another job" + way_out);
  }

  std::filesystem::path path_;
  std::shared_ptr<const int> hold_;  // its lock keeps others out
  JsonLinesWriter writer_;
  nlohmann::json machine_;
  std::int64_t steps_ = 0, found_ = 0;
};

}  // namespace cell2text
