// The built command on a terminal, and what that would show.
#pragma once

#include <pty.h>

#include <algorithm>
#include <cstdlib>

#include "driver/child.hpp"

namespace cell2text::test {

/// Shows bytes as a terminal does, as far as the command uses one: characters, new lines, and the sequences that go up,
/// erase and colour.
class Terminal {
 public:
  Terminal(std::size_t columns, std::size_t rows) : columns_(columns), lines_(rows) {}

  /// A character or a sequence that is cut off waits for its other bytes.
  void read(const std::string& bytes) {
    waiting_ += bytes;
    while (const std::size_t length = take()) waiting_.erase(0, length);
  }

  std::vector<std::string> screen() const {
    std::vector<std::string> all;
    for (const auto& line : lines_) {
      std::string text;
      for (const std::string& character : line) text += character.empty() ? " " : character;
      all.push_back(text.substr(0, text.find_last_not_of(' ') + 1));
    }
    return all;
  }

 private:
  /// Acts on what comes first; returns its bytes, 0 where it is not whole.
  std::size_t take() {
    if (waiting_.empty()) return 0;
    if (waiting_[0] == '\033') return take_sequence();
    if (waiting_[0] == '\n') {
      ++row_;
      if (row_ == lines_.size()) scroll();
      return 1;
    }
    if (waiting_[0] == '\r') {
      column_ = 0;
      return 1;
    }
    const auto lead = static_cast<unsigned char>(waiting_[0]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (waiting_.size() < length) return 0;
    put(waiting_.substr(0, length));
    return length;
  }

  std::size_t take_sequence() {
    const auto end = waiting_.find_first_not_of("0123456789;", 2);
    if (waiting_.size() < 3 || end == std::string::npos) return 0;
    REQUIRE(waiting_[1] == '[');
    const std::size_t number = static_cast<std::size_t>(std::max(std::atoi(waiting_.c_str() + 2), 0));
    if (waiting_[end] == 'A') row_ -= std::min(row_, number);
    if (waiting_[end] == 'J' || waiting_[end] == 'K') lines_[row_].resize(std::min(column_, lines_[row_].size()));
    if (waiting_[end] == 'J')
      for (std::size_t below = row_ + 1; below < lines_.size(); ++below) lines_[below].clear();
    INFO("sequence " << waiting_.substr(1, end));
    REQUIRE(std::string("AJKm").find(waiting_[end]) != std::string::npos);
    return end + 1;
  }

  void put(const std::string& character) {
    if (column_ == columns_) {
      column_ = 0, ++row_;
      if (row_ == lines_.size()) scroll();
    }
    auto& line = lines_[row_];
    if (line.size() <= column_) line.resize(column_ + 1);
    line[column_++] = character;
  }

  void scroll() {
    lines_.erase(lines_.begin());
    lines_.emplace_back();
    --row_;
  }

  std::size_t columns_, row_ = 0, column_ = 0;
  std::vector<std::vector<std::string>> lines_;  // characters, "" where nothing was written
  std::string waiting_;
};

/// Runs `cell2text WORDS...` in the checkout on a terminal; `look` sees the screen whenever something was written.
/// Returns the exit status.
template <class Look>
int run_on_terminal(std::vector<std::string> words, Terminal& terminal, const winsize& size, Look look) {
  words.insert(words.begin(), (build_dir() / "bin/cell2text").string());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string folder = source_dir().string();
  int master = -1;
  const pid_t child = forkpty(&master, nullptr, nullptr, &size);
  REQUIRE(child >= 0);
  if (child == 0) {
    if (chdir(folder.c_str()) != 0) _exit(126);
    execv(argv[0], argv.data());
    _exit(127);
  }
  char bytes[4096];
  for (ssize_t count; (count = ::read(master, bytes, sizeof bytes)) > 0;) {
    terminal.read({bytes, static_cast<std::size_t>(count)});
    look(terminal.screen());
  }
  close(master);
  return wait_for(child);
}

}  // namespace cell2text::test
