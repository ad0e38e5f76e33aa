// JSON lines: one JSON value a line, read and written as a stream. What is in the values is the caller's.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cell2text/error.hpp"
#include "cell2text/io/input_file.hpp"
#include "cell2text/io/json.hpp"

namespace cell2text {

/// Reads a file of JSON lines from its beginning: lines of any length, LF or CRLF, with or without a newline at the
/// end; lines of white space are skipped. Memory: the longest line.
class JsonLinesReader {
 public:
  /// Errors as InputFile. An empty file is fine, and holds no lines.
  explicit JsonLinesReader(const std::filesystem::path& path) : file_(path), buffer_(1 << 16) {}

  /// The next value, or nullopt at the end. InputError "file:line:column" where a line is no JSON or no UTF-8.
  std::optional<nlohmann::json> next() {
    std::string line;
    while (read_line(line)) {
      ++line_number_;
      if (line_number_ == 1) refuse_git_lfs_pointer(line, file_.path());
      if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
      return parse_json(line, file_.path().string(), line_number_);
    }
    return std::nullopt;
  }

  /// The number, from 1, of the line that `next()` returned last.
  std::size_t line_number() const { return line_number_; }
  /// "file:line", for messages about the value that `next()` returned last.
  std::string where() const { return file_.path().string() + ":" + std::to_string(line_number_); }

 private:
  bool read_line(std::string& line) {
    line.clear();
    bool found = false;
    while (true) {
      if (begin_ == end_) {
        begin_ = 0;
        end_ = file_.read_at(offset_, buffer_);
        offset_ += end_;
        if (end_ == 0) return found;
      }
      found = true;
      const std::string_view rest(reinterpret_cast<const char*>(buffer_.data()) + begin_, end_ - begin_);
      const std::size_t newline = rest.find('\n');
      line.append(rest.substr(0, newline));
      begin_ = newline == std::string_view::npos ? end_ : begin_ + newline + 1;
      if (newline != std::string_view::npos) return true;
    }
  }

  InputFile file_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0, end_ = 0, line_number_ = 0;
  std::uint64_t offset_ = 0;
};

/// Writes JSON lines to the end of a file that others may be reading. A line reaches the file whole, at `flush()`, when
/// 64 KiB wait, or when the writer goes; a file that must be all or nothing is written with AtomicFile instead.
class JsonLinesWriter {
 public:
  enum class Mode { replace, append };

  /// `append` goes on after a run that was killed: half a line at the end, which no reader could use, is cut off
  /// (a whole one that only lacks its newline gets it).
  /// InputError: the folder is missing, or `path` is no file. EnvironmentError: no permission.
  explicit JsonLinesWriter(std::filesystem::path path, Mode mode = Mode::replace) : path_(std::move(path)) {
    std::error_code ignored;
    const auto folder = std::filesystem::absolute(path_).parent_path();
    if (!std::filesystem::is_directory(folder, ignored))
      throw InputError("cannot write " + path_.string() + ": the folder " + folder.string() + " does not exist");
    if (std::filesystem::is_directory(path_, ignored))
      throw InputError("cannot write " + path_.string() + ": it is a folder");
    if (mode == Mode::append && std::filesystem::is_regular_file(path_, ignored)) mend_last_line();
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (mode == Mode::replace ? O_TRUNC : 0);
    descriptor_ = ::open(path_.c_str(), flags, 0666);
    if (descriptor_ < 0) throw EnvironmentError("cannot open " + path_.string() + ": " + InputFile::reason_text(errno));
  }
  JsonLinesWriter(JsonLinesWriter&& other) noexcept
      : path_(std::move(other.path_)),
        waiting_(std::exchange(other.waiting_, {})),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  JsonLinesWriter& operator=(JsonLinesWriter&&) = delete;
  /// Flushes; an error here is lost, so call `flush()` at the end of what matters.
  ~JsonLinesWriter() {
    if (descriptor_ < 0) return;
    try {
      flush();
    } catch (const EnvironmentError&) {
    }
    ::close(descriptor_);
  }

  /// Adds a line. InputError where a text in `value` is not UTF-8; EnvironmentError as `flush()`.
  template <class Json>
  void write(const Json& value) {
    try {
      waiting_ += value.dump();
    } catch (const nlohmann::json::exception& error) {
      throw InputError("cannot write a line of " + path_.string() + ": " + error.what());
    }
    waiting_ += '\n';
    if (waiting_.size() >= (1 << 16)) flush();
  }

  /// Hands all lines to the system. EnvironmentError naming the file: disk full, quota, size limit.
  void flush() {
    std::size_t done = 0;
    while (done < waiting_.size()) {
      const ssize_t count = ::write(descriptor_, waiting_.data() + done, waiting_.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        const int reason = count < 0 ? errno : ENOSPC;
        waiting_.erase(0, done);
        throw EnvironmentError("cannot write " + path_.string() + ": " + InputFile::reason_text(reason));
      }
      done += static_cast<std::size_t>(count);
    }
    waiting_.clear();
  }

 private:
  void mend_last_line() {
    const InputFile file(path_);
    std::vector<std::byte> block(1 << 16);
    std::string tail;
    std::uint64_t keep = file.size();
    while (keep > 0 && tail.find('\n') == std::string::npos) {
      const std::uint64_t start = keep > block.size() ? keep - block.size() : 0;
      const std::size_t size = file.read_at(start, std::span(block).first(keep - start));
      tail.insert(0, reinterpret_cast<const char*>(block.data()), size);
      keep = start;
    }
    if (const auto newline = tail.rfind('\n'); newline != std::string::npos) {
      keep += newline + 1;
      tail.erase(0, newline + 1);
    }
    if (tail.empty()) return;
    if (nlohmann::json::accept(tail)) {
      waiting_ = "\n";
    } else if (::truncate(path_.c_str(), static_cast<off_t>(keep)) != 0) {
      throw EnvironmentError("cannot shorten " + path_.string() + ": " + InputFile::reason_text(errno));
    }
  }

  std::filesystem::path path_;
  std::string waiting_;
  int descriptor_ = -1;
};

}  // namespace cell2text
